import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { displace, elasticField } from "../../../src/geometry/elastic-field.ts";
import type { Geometry } from "../../../src/geometry/geometry.ts";
import type { Warp } from "../../../src/geometry/warps.ts";
import { Canvas } from "../../../src/images/augment/canvas.ts";
import {
  applyWarp,
  rotation,
  rotationAndZoom,
  shearX,
  shearY,
  translateX,
  translateY,
} from "../../../src/images/augment/geometric.ts";
import { patchWeights } from "../../../src/method/masking/patch-weights.ts";
import { resizeMap, sumPerPatch } from "../../support/map-reference.ts";

const PATCH = 8;

/** A map whose bright cells have no symmetry, brightest away from the middle. */
function blobMap(gh: number, gw: number): Float32Array {
  const map = new Float32Array(gh * gw);
  map[1 * gw + 2] = 1;
  map[2 * gw + 2] = 0.7;
  map[1 * gw + 3] = 0.4;
  map[(gh - 2) * gw + gw - 3] = 0.25;
  return map;
}

function geometryOf(height: number, width: number, warps: readonly Warp[], flip = false): Geometry {
  const crop = { top: 0, left: 0, height, width };
  return { crop, flip, sourceHeight: height, sourceWidth: width, warps };
}

/** Per-patch sums of the map drawn as an image, moved as an image; in units of the map. */
function drawnAndMoved(map: Float32Array, height: number, width: number, warps: readonly Warp[], flip: boolean) {
  const image = resizeMap(map, height / PATCH, width / PATCH, height, width);
  const canvas = new Canvas(height, width, 1);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = y * width + (flip ? width - 1 - x : x);
      canvas.pixels[y * width + x] = Math.round((image[from] as number) * 255);
    }
  }
  for (const warp of warps) applyWarp(canvas, warp, { filter: "bilinear", fill: [0] });
  return sumPerPatch(canvas.pixels, height, width, PATCH).map((sum) => sum / 255);
}

function expectToFollow(height: number, width: number, warps: readonly Warp[], flip: boolean): void {
  const map = blobMap(height / PATCH, width / PATCH);
  const options = { inputHeight: height, inputWidth: width, patchSize: PATCH, mapCrop: "aligned" as const };
  const weights = patchWeights(map, geometryOf(height, width, warps, flip), options);
  const drawn = drawnAndMoved(map, height, width, warps, flip);
  expect(Math.max(...drawn)).toBeGreaterThan(10);
  // Each warp of the image cuts to whole values (0.25 of a patch's 64 pixels) and smooths its edges a little.
  const tolerance = 0.3 + 0.7 * warps.length;
  weights.forEach((weight, patch) => {
    expect(Math.abs(weight - (drawn[patch] as number))).toBeLessThan(tolerance);
  });
}

const elastic: Warp = { kind: "elastic", key: 7, alpha: 200, sigma: 8 };
const single: [string, Warp][] = [
  ["flip along y", { kind: "flip-y" }],
  ["half turn", { kind: "turn", quarters: 2 }],
  ["rotation", rotation(25, 64, 96) as Warp],
  ["rotation and zoom", rotationAndZoom(-17, 1.3, 64, 96)],
  ["shear along x", shearX(0.3)],
  ["shear along y", shearY(-0.25)],
  ["translation along x", translateX(-13.5)],
  ["translation along y", translateY(9)],
  ["elastic deformation", elastic],
];

describe("patchWeights", () => {
  test.each(single)("follow a %s of a 64×96 image, mirrored or not", (_, warp) => {
    expectToFollow(64, 96, [warp], false);
    expectToFollow(64, 96, [warp], true);
  });

  test.each([1, 2, 3] as const)("follow %i quarter turns of a square image", (quarters) => {
    expectToFollow(64, 64, [{ kind: "turn", quarters }], true);
    expectToFollow(64, 64, [{ kind: "turn", quarters }, shearX(0.2)], false);
  });

  test("follow warps in their order", () => {
    const turn: Warp = { kind: "turn", quarters: 1 };
    expectToFollow(64, 64, [{ kind: "flip-y" }, turn, rotation(20, 64, 64) as Warp], true);
    expectToFollow(64, 64, [rotation(20, 64, 64) as Warp, turn, { kind: "flip-y" }], false);
    expectToFollow(64, 64, [elastic, shearY(0.2), translateX(6)], true);
    expectToFollow(64, 64, [translateY(-5), turn, elastic], false);
  });

  test("of flips and turns alone are the weights of whole patches, moved", () => {
    const options = { inputHeight: 32, inputWidth: 32, patchSize: 8, mapCrop: "aligned" as const };
    const map = Float32Array.from({ length: 16 }, (_, at) => at * at);
    const crop = { top: 3, left: 11, height: 60, width: 50 };
    const geometry: Geometry = { crop, flip: true, sourceHeight: 80, sourceWidth: 70 };
    const plain = patchWeights(map, geometry, options);
    const turned = patchWeights(map, { ...geometry, warps: [{ kind: "turn", quarters: 1 }] }, options);
    // Counter-clockwise: the right column becomes the top row.
    expect([...turned.subarray(0, 4)]).toEqual([plain[3], plain[7], plain[11], plain[15]]);
    const identity: Warp = { kind: "affine", matrix: [1, 0, 0, 0, 1, 0] };
    const pixelwise = patchWeights(map, { ...geometry, warps: [{ kind: "turn", quarters: 1 }, identity] }, options);
    pixelwise.forEach((weight, patch) => {
      expect(weight).toBeCloseTo(turned[patch] as number, 3);
    });
  });

  test("under an identity warp are those of the crop, for both ways to crop the map", () => {
    const part = fc.integer({ min: 1, max: 50 });
    fc.assert(
      fc.property(part, part, part, part, fc.boolean(), (top, left, height, width, flip) => {
        const geometry: Geometry = { crop: { top, left, height, width }, flip, sourceHeight: 100, sourceWidth: 100 };
        const map = Float32Array.from({ length: 24 }, (_, at) => ((at * 7) % 11) / 11);
        const identity: Warp = { kind: "affine", matrix: [1, 0, 0, 0, 1, 0] };
        for (const mapCrop of ["aligned", "reference"] as const) {
          const options = { inputHeight: 32, inputWidth: 48, patchSize: 8, mapCrop };
          const plain = patchWeights(map, geometry, options);
          const warped = patchWeights(map, { ...geometry, warps: [identity] }, options);
          warped.forEach((weight, patch) => {
            expect(weight).toBeCloseTo(plain[patch] as number, 3);
          });
        }
      }),
      { numRuns: 30 },
    );
  });

  test("weigh nothing that came in from outside", () => {
    const options = { inputHeight: 32, inputWidth: 32, patchSize: 8, mapCrop: "aligned" as const };
    const map = new Float32Array(16).fill(1);
    const weights = patchWeights(map, geometryOf(32, 32, [translateX(16)]), options);
    expect([...weights]).toEqual(Array.from({ length: 16 }, (_, patch) => (patch % 4 < 2 ? 64 : 0)));
    const back = patchWeights(map, geometryOf(32, 32, [translateX(16), translateX(-16)]), options);
    expect([...back]).toEqual(Array.from({ length: 16 }, (_, patch) => (patch % 4 < 2 ? 0 : 64)));
  });

  test("cross a thread's boundary as plain data", () => {
    const geometry = geometryOf(
      64,
      96,
      single.map(([, warp]) => warp),
    );
    expect(JSON.parse(JSON.stringify(geometry))).toEqual(structuredClone(geometry));
  });

  test("refuse a quarter turn of an image that is not square", () => {
    const options = { inputHeight: 32, inputWidth: 48, patchSize: 8, mapCrop: "aligned" as const };
    for (const warps of [[{ kind: "turn", quarters: 1 }], [shearX(0.1), { kind: "turn", quarters: 3 }]] as Warp[][]) {
      expect(() => patchWeights(new Float32Array(24), geometryOf(32, 48, warps), options)).toThrow(
        expect.objectContaining({ code: "Shape" }),
      );
    }
  });
});

describe("elasticField", () => {
  /** Displacements along x at all pixel centres, over several keys. */
  function displacements(alpha: number, sigma: number): number[] {
    return [1, 2, 3, 4, 5, 6, 7, 8].flatMap((key) => {
      const field = elasticField({ key, alpha, sigma }, 96, 128);
      const xs = Float64Array.from({ length: 96 * 128 }, (_, at) => (at % 128) + 0.5);
      const ys = Float64Array.from({ length: 96 * 128 }, (_, at) => Math.floor(at / 128) + 0.5);
      displace(field, xs, ys);
      return [...xs.map((x, at) => x - (at % 128) - 0.5)];
    });
  }

  test.each([
    [100, 3],
    [300, 10],
    [100, 1],
  ])("alpha %i and sigma %i deviate as Simard's dense field", (alpha, sigma) => {
    const values = displacements(alpha, sigma);
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
    const expected = alpha / (2 * Math.sqrt(3 * Math.PI) * sigma);
    // Interpolation takes a little; the rest is chance, of few independent places when sigma is large.
    expect(deviation / expected).toBeGreaterThan(0.75);
    expect(deviation / expected).toBeLessThan(1.15);
  });

  test("is smooth over sigma, as strong at the border, and one of its key", () => {
    const parameters = { key: 4, alpha: 300, sigma: 10 };
    const field = elasticField(parameters, 96, 128);
    expect(elasticField(parameters, 96, 128)).toEqual(field);
    expect(elasticField({ ...parameters, key: 5 }, 96, 128).dx).not.toEqual(field.dx);
    expect(field.dx).not.toEqual(field.dy);
    const values = displacements(300, 10);
    const steps = values.flatMap((value, at) => (at % 128 === 0 ? [] : [Math.abs(value - (values[at - 1] as number))]));
    expect(Math.max(...values)).toBeGreaterThan(6);
    expect(steps.reduce((a, b) => Math.max(a, b))).toBeLessThan(3);
    const square = (list: number[]) => list.reduce((sum, value) => sum + value * value, 0) / list.length;
    const border = values.filter((_, at) => at % 128 < 8);
    expect(square(border) / square(values)).toBeGreaterThan(0.4);
  });
});
