import { describe, expect, test } from "vitest";
import type { RasterImage } from "../../../src/formats/raster.ts";
import {
  cutWindow,
  gaussianWeights,
  type Size,
  slidingWindows,
  WindowBlend,
} from "../../../src/images/sliding-window.ts";
import { RandomStream } from "../../../src/support/random.ts";

function noise({ height, width }: Size, channels: 1 | 3): RasterImage {
  const stream = RandomStream.for(7, "phantom");
  const pixels = Uint8Array.from({ length: height * width * channels }, () => stream.integer(0, 255));
  return { height, width, channels, pixels };
}

const SIZES = [
  [{ height: 50, width: 70 }, { height: 16, width: 16 }, 0.5],
  [{ height: 50, width: 70 }, { height: 16, width: 16 }, 0],
  [{ height: 33, width: 17 }, { height: 16, width: 16 }, 0.25],
  [{ height: 100, width: 10 }, { height: 24, width: 12 }, 0.8],
  [{ height: 5, width: 90 }, { height: 16, width: 16 }, 0.99],
  [{ height: 16, width: 16 }, { height: 16, width: 16 }, 0.5],
  [{ height: 3, width: 4 }, { height: 16, width: 15 }, 0.5],
] as const;

describe.each(SIZES)("an image of %o, windows of %o, overlap %f", (size, window, overlap) => {
  const places = slidingWindows(size, window, overlap);

  test("every pixel is in a window, and windows reach no further than they must", () => {
    const seen = new Uint8Array(size.height * size.width);
    for (const { top, left } of places) {
      for (let y = Math.max(0, top); y < Math.min(size.height, top + window.height); y++) {
        seen.fill(1, y * size.width + Math.max(0, left), y * size.width + Math.min(size.width, left + window.width));
      }
      if (size.height >= window.height) expect(top >= 0 && top + window.height <= size.height).toBe(true);
      if (size.width >= window.width) expect(left >= 0 && left + window.width <= size.width).toBe(true);
    }
    expect(seen.every((mark) => mark === 1)).toBe(true);
  });

  test("neighbours share at least the overlap, and one window fewer would not do", () => {
    for (const [length, side, starts] of [
      [size.height, window.height, [...new Set(places.map(({ top }) => top))]],
      [size.width, window.width, [...new Set(places.map(({ left }) => left))]],
    ] as const) {
      const most = Math.max(1, Math.floor(side * (1 - overlap)));
      starts.slice(1).forEach((start, i) => {
        expect(start - (starts[i] as number)).toBeLessThanOrEqual(most);
      });
      if (length > side) expect((starts.length - 2) * most).toBeLessThan(length - side);
    }
  });

  test("what is said of each pixel by itself is said of the whole image", () => {
    const image = noise(size, 3);
    const blend = new WindowBlend(size, window, 2);
    const said = (red: number, blue: number) => [red / 255, (blue * blue) / 65025 - 3] as const;
    const pixels = new Uint8Array(window.height * window.width * 3);
    const area = window.height * window.width;
    for (const place of places) {
      cutWindow(image, place, window, pixels);
      const values = new Float32Array(2 * area);
      for (let at = 0; at < area; at++) {
        [values[at], values[area + at]] = said(pixels[3 * at] as number, pixels[3 * at + 2] as number);
      }
      blend.add(place, values);
    }
    const mean = blend.mean();
    const whole = size.height * size.width;
    for (let at = 0; at < whole; at++) {
      const [first, second] = said(image.pixels[3 * at] as number, image.pixels[3 * at + 2] as number);
      expect(mean[at]).toBeCloseTo(first, 5);
      expect(mean[whole + at]).toBeCloseTo(second, 5);
    }
  });
});

test("windows stand evenly apart, at the edges first and last", () => {
  const places = slidingWindows({ height: 16, width: 60 }, { height: 16, width: 16 }, 0.25);
  expect(places.map(({ left }) => left)).toEqual([0, 11, 22, 33, 44]);
  expect(places.every(({ top }) => top === 0)).toBe(true);
});

test("the middle of a window counts most, and its edges still something", () => {
  const size = { height: 24, width: 17 };
  const weights = gaussianWeights(size);
  const at = (y: number, x: number) => weights[y * size.width + x] as number;
  expect(at(12, 8)).toBeGreaterThan(0.98);
  // Two deviations from the middle, along each axis.
  expect(at(12, 8 + 4)).toBeCloseTo(Math.exp(-0.5 * ((4 * 8) / 17) ** 2) * Math.exp(-0.5 * (0.5 / 3) ** 2), 6);
  expect(at(3, 2)).toBe(at(20, 14));
  expect(Math.min(...weights)).toBe(at(0, 0));
  expect(at(0, 0)).toBeGreaterThan(0);
});

test("of two windows the one whose middle is nearer counts more", () => {
  const blend = new WindowBlend({ height: 1, width: 12 }, { height: 1, width: 8 }, 1);
  blend.add({ top: 0, left: 0 }, new Float32Array(8).fill(0));
  blend.add({ top: 0, left: 4 }, new Float32Array(8).fill(1));
  const mean = blend.mean();
  expect([...mean.slice(0, 4)]).toEqual([0, 0, 0, 0]);
  expect([...mean.slice(8)]).toEqual([1, 1, 1, 1]);
  expect(mean[4]).toBeLessThan(0.5);
  expect((mean[4] as number) + (mean[7] as number)).toBeCloseTo(1, 6);
});

test.each([-0.1, 1, Number.NaN])("an overlap of %f is refused", (overlap) => {
  expect(() => slidingWindows({ height: 9, width: 9 }, { height: 3, width: 3 }, overlap)).toThrow(/overlap/);
});
