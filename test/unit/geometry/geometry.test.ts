import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { wholeImage } from "../../../src/geometry/geometry.ts";
import { randomGeometry, randomResizedCrop } from "../../../src/geometry/random-geometry.ts";
import { RandomStream } from "../../../src/support/random.ts";

const size = fc.integer({ min: 1, max: 4000 });

describe("randomResizedCrop", () => {
  test("stays inside the image, whatever its shape", () => {
    fc.assert(
      fc.property(size, size, fc.integer(), (height, width, seed) => {
        const crop = randomResizedCrop(height, width, RandomStream.for(seed, "crops"));
        expect(crop.top).toBeGreaterThanOrEqual(0);
        expect(crop.left).toBeGreaterThanOrEqual(0);
        expect(crop.height).toBeGreaterThan(0);
        expect(crop.width).toBeGreaterThan(0);
        expect(crop.top + crop.height).toBeLessThanOrEqual(height);
        expect(crop.left + crop.width).toBeLessThanOrEqual(width);
      }),
    );
  });

  test("keeps area in 20–100 % and ratio in 3/4–4/3 of a large square, and reaches near both ends", () => {
    const stream = RandomStream.for(3, "crops");
    const areas: number[] = [];
    const logRatios: number[] = [];
    for (let i = 0; i < 4000; i++) {
      const crop = randomResizedCrop(1000, 1000, stream);
      areas.push((crop.height * crop.width) / 1e6);
      logRatios.push(Math.log(crop.width / crop.height));
    }
    // Rounding to whole pixels moves area and ratio by less than 0.4 %.
    expect(Math.min(...areas)).toBeGreaterThan(0.199);
    expect(Math.min(...areas)).toBeLessThan(0.21);
    expect(Math.max(...areas)).toBeLessThanOrEqual(1);
    expect(Math.max(...areas)).toBeGreaterThan(0.97);
    expect(Math.max(...logRatios.map(Math.abs))).toBeLessThan(Math.log(4 / 3) + 0.004);
    // Log-uniform: the mean of the logarithm is 0 (standard error 0.0026).
    expect(Math.abs(logRatios.reduce((a, b) => a + b) / 4000)).toBeLessThan(0.011);
  });

  test("falls back to the centred crop of an allowed ratio when no try can fit", () => {
    expect(randomResizedCrop(10, 1000, RandomStream.for(0, "crops"))).toEqual({
      top: 0,
      left: 493,
      height: 10,
      width: 13,
    });
    expect(randomResizedCrop(1000, 12, RandomStream.for(0, "crops"))).toEqual({
      top: 492,
      left: 0,
      height: 16,
      width: 12,
    });
  });
});

describe("geometry", () => {
  test("equal keys give equal geometries, half of them mirrored", () => {
    const draw = (sample: number) => randomGeometry(300, 200, RandomStream.for(1, "crops", 0, sample));
    expect(draw(5)).toEqual(draw(5));
    const flips = Array.from({ length: 1000 }, (_, sample) => draw(sample).flip).filter(Boolean).length;
    expect(Math.abs(flips - 500)).toBeLessThan(65);
  });

  test("evaluation takes the whole image", () => {
    expect(wholeImage(30, 20)).toEqual({
      crop: { top: 0, left: 0, height: 30, width: 20 },
      flip: false,
      sourceHeight: 30,
      sourceWidth: 20,
    });
  });
});
