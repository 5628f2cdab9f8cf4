import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import sharp, { type Sharp } from "sharp";
import { RandomStream } from "../../../../src/support/random.ts";

/** A drawn picture, RGB, on which no two seeds agree: soft blobs and fine strokes. */
export interface Scene {
  side: number;
  pixels: Uint8Array;
}

export function drawScene(seed: number, side = 96): Scene {
  const stream = RandomStream.for(seed, "phantom");
  const blobs = Array.from({ length: 24 }, () => ({
    x: stream.uniform() * side,
    y: stream.uniform() * side,
    size: side * (0.03 + 0.12 * stream.uniform()),
    colour: [stream.normal(), stream.normal(), stream.normal()].map((part) => 40 * part + 25 * stream.normal()),
  }));
  const pixels = new Uint8Array(side * side * 3);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      for (let channel = 0; channel < 3; channel++) {
        let level = 110;
        for (const blob of blobs) {
          const far = ((x - blob.x) ** 2 + (y - blob.y) ** 2) / (2 * blob.size ** 2);
          if (far < 12) level += (blob.colour[channel] as number) * Math.exp(-far);
        }
        pixels[(y * side + x) * 3 + channel] = Math.min(255, Math.max(0, Math.round(level)));
      }
    }
  }
  return { side, pixels };
}

export function asSharp({ side, pixels }: Scene): Sharp {
  return sharp(pixels, { raw: { width: side, height: side, channels: 3 } });
}

export async function save(path: string, picture: Sharp): Promise<void> {
  mkdirSync(dirname(path), { recursive: true });
  await picture.toFile(path);
}
