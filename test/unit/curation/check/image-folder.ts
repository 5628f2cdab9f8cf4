import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import sharp, { type Sharp } from "sharp";
import type { DataCheckInput } from "../../../../src/config/index.ts";
import { checkData } from "../../../../src/curation/check/check-data.ts";
import type { CheckResult } from "../../../../src/curation/check/result.ts";
import { drawPhantom } from "../../../../src/experiments/phantom/draw-phantom.ts";
import { RandomStream } from "../../../../src/support/random.ts";

/** Side of the drawn pictures in pixels. */
export const SIDE = 96;

/** Grey levels [96, 96] of a body that no other number gives. */
export function body(number: number, kind: "disc" | "ring" = "disc"): Uint8Array {
  return drawPhantom(SIDE, kind, RandomStream.for(7, "phantom", number)).pixels;
}

/** Grey levels as a picture for sharp. */
export function grey(pixels: Uint8Array, width = SIDE, height = SIDE): Sharp {
  return sharp(pixels, { raw: { width, height, channels: 1 } }).toColourspace("b-w");
}

/** A folder for one test, with what a test puts there. */
export class TestFolder {
  readonly path = mkdtempSync(join(tmpdir(), "msmae-check-"));
  /** The data set; everything else lies beside it. */
  readonly data = join(this.path, "data");

  put(name: string, content: string | Uint8Array): void {
    const target = join(this.data, name);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, content);
  }

  async picture(name: string, image: Sharp): Promise<void> {
    this.put(name, await image.toBuffer());
  }

  /** Different pictures, so that each class has some in train and in test. */
  async fill(count = 2, first = 100): Promise<void> {
    let number = first;
    for (const split of ["train", "test"]) {
      for (const name of ["sick", "well"]) {
        for (let k = 0; k < count; k++) await this.picture(`${split}/${name}/${k}.png`, grey(body(number++)).png());
      }
    }
  }

  check(options: Partial<DataCheckInput> = {}, hooks: Parameters<typeof checkData>[1] = {}): Promise<CheckResult> {
    return checkData({ dataPath: this.data, seed: 1, workers: 0, ...options }, hooks);
  }

  /** One hash over the names and bytes of all files of the data set. */
  hash(): string {
    const hash = createHash("sha1");
    for (const name of readdirSync(this.data, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()) {
      hash.update(name).update(readFileSync(name));
    }
    return hash.digest("hex");
  }

  remove(): void {
    rmSync(this.path, { recursive: true });
  }
}

export const ids = (result: CheckResult) => result.findings.map(({ id }) => id);
