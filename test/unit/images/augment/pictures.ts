import { createHash } from "node:crypto";
import { Canvas } from "../../../../src/images/augment/canvas.ts";

export type Pattern = "noise" | "smooth";

/** The pictures of bench/peers/augment_reference.py, on a canvas. */
export function picture(kind: Pattern, height: number, width: number, channels: 1 | 3): Canvas {
  const canvas = new Canvas(height, width, channels);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let k = 0; k < channels; k++) {
        canvas.pixels[at++] =
          kind === "noise"
            ? x * x * 7 + y * y * 5 + x * y * 3 + k * 91 + ((x * 31) ^ (y * 17))
            : 30 + ((x * 3 + y * 2) % 160) + k * 20;
      }
    }
  }
  return canvas;
}

/** The first 12 digits of the SHA-256 of an image's bytes. */
export function digest(canvas: Canvas): string {
  return createHash("sha256").update(canvas.pixels).digest("hex").slice(0, 12);
}
