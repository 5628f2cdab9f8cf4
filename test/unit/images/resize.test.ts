import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { RasterImage } from "../../../src/formats/raster.ts";
import type { CropBox } from "../../../src/geometry/geometry.ts";
import { type ResampleFilter, Resizer } from "../../../src/images/transforms/resize.ts";
import { mirrored as mirror } from "./mirrored.ts";

interface PillowCase {
  height: number;
  width: number;
  channels: 1 | 3;
  outputHeight: number;
  outputWidth: number;
  filter: ResampleFilter;
  box?: [number, number, number, number];
  crop?: CropBox;
  flip?: boolean;
  sha256: string;
}

// Made with Pillow 13.0.0: crop, resize with box, mirror; the SHA-256 of the result's bytes.
const cases: PillowCase[] = JSON.parse(
  readFileSync(new URL("./fixtures/pillow-13-resize.json", import.meta.url), "utf8"),
);

function pattern(height: number, width: number, channels: 1 | 3): RasterImage {
  const pixels = new Uint8Array(height * width * channels);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let k = 0; k < channels; k++)
        pixels[at++] = x * x * 7 + y * y * 5 + x * y * 3 + k * 91 + ((x * 31) ^ (y * 17));
    }
  }
  return { height, width, channels, pixels };
}

describe("Resizer", () => {
  const resizer = new Resizer();

  test.each(cases)("equals Pillow 13: $height×$width×$channels to $outputHeight×$outputWidth, $filter", (item) => {
    const image = pattern(item.height, item.width, item.channels);
    const result = resizer.resize(image, item.outputHeight, item.outputWidth, item);
    expect(createHash("sha256").update(result).digest("hex")).toBe(item.sha256);
  });

  test("a mirrored result is the mirror of the result", () => {
    const size = fc.integer({ min: 1, max: 40 });
    fc.assert(
      fc.property(size, size, size, size, fc.constantFrom(1 as const, 3 as const), (h, w, oh, ow, channels) => {
        const image = pattern(h, w, channels);
        const straight = resizer.resize(image, oh, ow, { filter: "bicubic" });
        const mirrored = resizer.resize(image, oh, ow, { filter: "bicubic", flip: true });
        const expected = mirror({ height: oh, width: ow, channels, pixels: straight }).pixels;
        expect(mirrored).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  test("a flat image stays flat under every filter", () => {
    for (const filter of ["bilinear", "bicubic", "lanczos"] as const) {
      const pixels = new Uint8Array(31 * 17 * 3).fill(201);
      const result = resizer.resize({ height: 31, width: 17, channels: 3, pixels }, 23, 50, { filter });
      expect(new Set(result)).toEqual(new Set([201]));
    }
  });

  test("an image larger than one band and the first memory gives the same rows as its parts", () => {
    const tall = pattern(3000, 1600, 3);
    const whole = new Resizer().resize(tall, 3000, 800, { filter: "bilinear" });
    const crop = { top: 2900, left: 0, height: 100, width: 1600 };
    const part = resizer.resize(tall, 100, 800, { filter: "bilinear", crop });
    expect(whole.subarray(2900 * 800 * 3)).toEqual(part);
  });

  test("writes into a given buffer and leaves its neighbours alone", () => {
    const buffer = new Uint8Array(4 * 4 + 2).fill(7);
    const image = pattern(9, 9, 1);
    resizer.resize(image, 4, 4, { filter: "bilinear", out: buffer.subarray(1, 17) });
    expect(buffer[0]).toBe(7);
    expect(buffer[17]).toBe(7);
    expect(buffer.subarray(1, 17)).toEqual(resizer.resize(image, 4, 4, { filter: "bilinear" }));
  });

  test.each([
    ["a crop beyond the image", { crop: { top: 5, left: 0, height: 5, width: 9 } }],
    ["a box beyond the image", { box: [0, 0, 9.5, 9] as const }],
    ["an output buffer of another length", { out: new Uint8Array(3) }],
  ])("%s is a Shape error", (_, options) => {
    expect(() => resizer.resize(pattern(9, 9, 1), 4, 4, { filter: "bilinear", ...options })).toThrow(
      expect.objectContaining({ code: "Shape" }),
    );
  });
});
