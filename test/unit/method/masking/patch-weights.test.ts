import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Geometry } from "../../../../src/geometry/geometry.ts";
import { patchWeights } from "../../../../src/method/masking/patch-weights.ts";
import { RandomStream } from "../../../../src/support/random.ts";
import { resizeMap, sumPerPatch } from "../../../support/map-reference.ts";

function randomMap(cells: number, seed: number): Float32Array {
  const stream = RandomStream.for(seed, "masks");
  return Float32Array.from({ length: cells }, () => stream.uniform());
}

const whole = (height: number, width: number): Geometry => ({
  crop: { top: 0, left: 0, height, width },
  flip: false,
  sourceHeight: height,
  sourceWidth: width,
});
const tiny = { inputHeight: 32, inputWidth: 48, patchSize: 8, mapCrop: "aligned" as const };

describe("patchWeights", () => {
  test("of the whole image are the per-patch sums of the resized map", () => {
    const map = randomMap(24, 1);
    const expected = sumPerPatch(resizeMap(map, 4, 6, 32, 48), 32, 48, 8);
    const weights = patchWeights(map, whole(300, 200), tiny);
    weights.forEach((weight, patch) => {
      expect(weight).toBeCloseTo(expected[patch] as number, 4);
    });
  });

  test("of a mirrored image are the mirrored weights", () => {
    const map = randomMap(24, 2);
    const geometry = { ...whole(100, 100), crop: { top: 10, left: 5, height: 60, width: 70 } };
    const straight = patchWeights(map, geometry, tiny);
    const mirrored = patchWeights(map, { ...geometry, flip: true }, tiny);
    const expected = straight.map((_, at) => straight[Math.floor(at / 6) * 6 + 5 - (at % 6)] as number);
    expect(mirrored).toEqual(expected);
  });

  test("of a flat map are flat for every crop, and sum to the input's area", () => {
    const part = fc.integer({ min: 1, max: 50 });
    fc.assert(
      fc.property(part, part, part, part, fc.boolean(), (top, left, height, width, flip) => {
        const geometry = { crop: { top, left, height, width }, flip, sourceHeight: 100, sourceWidth: 100 };
        for (const mapCrop of ["aligned", "reference"] as const) {
          const weights = patchWeights(new Float32Array(24).fill(0.5), geometry, { ...tiny, mapCrop });
          for (const weight of weights) expect(weight).toBeCloseTo(32, 4);
        }
      }),
    );
  });

  test("follow a bright cell into the crop that holds it, and lose it in one that does not", () => {
    const map = new Float32Array(16);
    map[2 * 4 + 1] = 1;
    const options = { inputHeight: 32, inputWidth: 32, patchSize: 8, mapCrop: "aligned" as const };
    const cut = (top: number, left: number) =>
      patchWeights(
        map,
        { crop: { top, left, height: 100, width: 100 }, flip: false, sourceHeight: 400, sourceWidth: 400 },
        options,
      );
    // The crop is exactly the bright cell: its centre patches weigh most.
    const onCell = cut(200, 100);
    expect(onCell[5]).toBeGreaterThan(onCell[0] as number);
    expect(Math.min(...onCell)).toBeGreaterThan(0);
    expect(Math.max(...cut(0, 300))).toBe(0);
  });

  test("with the published fault see only the cells at the top left", () => {
    const map = new Float32Array(24).fill(9);
    map[0] = 1;
    const geometry = { ...whole(32, 48), crop: { top: 12, left: 20, height: 20, width: 28 } };
    const weights = patchWeights(map, geometry, { ...tiny, mapCrop: "reference" });
    expect([...weights]).toEqual(new Array(24).fill(64));
    const aligned = patchWeights(map, geometry, tiny);
    expect([...aligned]).toEqual(new Array(24).fill(9 * 64));
  });

  test("refuse a map of another grid", () => {
    expect(() => patchWeights(new Float32Array(16), whole(10, 10), tiny)).toThrow(
      expect.objectContaining({ code: "Shape" }),
    );
  });
});

test("sumPerPatch sums each patch, row by row", () => {
  const image = Float32Array.from({ length: 16 }, (_, at) => at);
  expect([...sumPerPatch(image, 4, 4, 2)]).toEqual([0 + 1 + 4 + 5, 2 + 3 + 6 + 7, 8 + 9 + 12 + 13, 10 + 11 + 14 + 15]);
});
