import { describe, expect, test } from "vitest";
import type { Warp } from "../../../../src/geometry/warps.ts";
import { augmentImage } from "../../../../src/images/augment/augment-image.ts";
import { jitterColors } from "../../../../src/images/augment/color-jitter.ts";
import { applyOperation, levelArgument } from "../../../../src/images/augment/operations.ts";
import {
  type AugmentationOptions,
  type AugmentationPlan,
  augmentationPlan,
} from "../../../../src/images/augment/plan.ts";
import { RandomStream } from "../../../../src/support/random.ts";
import { digest, picture } from "./pictures.ts";

const off: AugmentationOptions = {
  hflip: 0.5,
  vflip: 0,
  rot90: false,
  rotate: 0,
  zoom: 0,
  elasticProb: 0.5,
  colorJitterProb: 1,
  intensity: 0,
  reprob: 0,
  remode: "pixel",
  recount: 1,
  augInterpolation: "random",
  augFill: "mean",
};
const input = { inputHeight: 32, inputWidth: 32, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

function planOf(options: Partial<AugmentationOptions>, of = input): AugmentationPlan {
  const plan = augmentationPlan({ ...off, ...options }, of);
  if (!plan) throw new Error("no plan");
  return plan;
}

/** Warps and results of many draws. */
function draws(plan: AugmentationPlan, count: number) {
  const original = picture("noise", 32, 32, 3);
  const canvas = picture("noise", 32, 32, 3);
  return Array.from({ length: count }, (_, sample) => {
    canvas.pixels.set(original.pixels);
    const warps = augmentImage(canvas, plan, RandomStream.for(1, "augment", 0, sample));
    return { warps, hash: digest(canvas) };
  });
}

const share = <T>(list: readonly T[], holds: (item: T) => boolean) => list.filter(holds).length / list.length;

describe("augmentationPlan", () => {
  test("is absent where nothing is asked for, whatever the settings of what is off", () => {
    expect(augmentationPlan(off, input)).toBeUndefined();
    const settings = { elasticProb: 1, remode: "rand", recount: 3, augFill: "black" } as const;
    expect(augmentationPlan({ ...off, ...settings, colorJitterProb: 0.2 }, input)).toBeUndefined();
    expect(augmentationPlan({ ...off, hflip: 0 }, input)).toMatchObject({ flipX: 0 });
  });

  test("is plain data", () => {
    const plan = planOf({ aa: "rand-m9-mstd101-tweights", elastic: [300, 15], colorJitter: [0.4], reprob: 0.25 });
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
    expect(structuredClone(plan)).toEqual(plan);
  });

  test("fills with the mean as timm rounds it, or black", () => {
    expect(planOf({ aa: "original" }).fill).toEqual([124, 116, 104]);
    expect(planOf({ aa: "original", augFill: "black" }).fill).toEqual([0, 0, 0]);
    expect(planOf({ aa: "original" }, { ...input, mean: [2], std: [1] }).fill).toEqual([255]);
  });

  test("leaves colour jitter out beside automatic augmentation, but for 3-Augment", () => {
    expect(planOf({ colorJitter: [0.4], aa: "rand-m9" }).colorJitter).toBeUndefined();
    const jitter = { brightness: 0.3, contrast: 0.3, saturation: 0.3, hue: 0, probability: 1 };
    expect(planOf({ colorJitter: [0.3], aa: "3a" }).colorJitter).toEqual(jitter);
    expect(planOf({ colorJitter: [0.1, 0.2, 0.3, 0.4] }).colorJitter).toMatchObject({
      brightness: 0.1,
      contrast: 0.2,
      saturation: 0.3,
      hue: 0.4,
    });
  });

  test.each([
    [{ rot90: true }, "square"],
    [{ colorJitter: [1, 2] }, "3 \\(brightness"],
    [{ colorJitter: [1, 1, 1, 0.6] }, "hue"],
    [{ elastic: [300] }, "alpha"],
    [{ elastic: [300, 0.5] }, "sigma"],
    [{ aa: "rand-x" }, "rand-m9"],
  ])("refuses %o", (options, words) => {
    expect(() => augmentationPlan({ ...off, ...options }, { ...input, inputWidth: 48 })).toThrow(
      expect.objectContaining({ code: "Config", message: expect.stringMatching(words) }),
    );
  });
});

describe("augmentImage", () => {
  test("gives equal images and warps for equal keys, and others for others", () => {
    const plan = planOf({ aa: "rand-m9-mstd0.5-inc1", elastic: [60, 4], intensity: 1, reprob: 0.5, vflip: 0.5 });
    const first = draws(plan, 20);
    expect(draws(plan, 20)).toEqual(first);
    expect(new Set(first.map(({ hash }) => hash)).size).toBe(20);
  });

  test("flips, turns and deforms as often as asked for, in the documented order", () => {
    const plan = planOf({ vflip: 0.3, rot90: true, rotate: 10, elastic: [60, 4], elasticProb: 0.2 });
    const all = draws(plan, 600).map(({ warps }) => warps);
    const has = (kind: Warp["kind"]) => share(all, (warps) => warps.some((warp) => warp.kind === kind));
    // Standard errors up to 0.02.
    expect(Math.abs(has("flip-y") - 0.3)).toBeLessThan(0.08);
    expect(Math.abs(has("turn") - 0.75)).toBeLessThan(0.08);
    expect(Math.abs(has("elastic") - 0.2)).toBeLessThan(0.07);
    expect(has("affine")).toBe(1);
    const order = ["flip-y", "turn", "affine", "elastic"];
    for (const warps of all) {
      const places = warps.map(({ kind }) => order.indexOf(kind));
      expect(places).toEqual(places.toSorted());
    }
    const quarters = all.flatMap((warps) => warps.flatMap((warp) => (warp.kind === "turn" ? [warp.quarters] : [])));
    expect(new Set(quarters)).toEqual(new Set([1, 2, 3]));
  });

  test("rotation and zoom stay within their bounds and reach near them", () => {
    const matrices = draws(planOf({ rotate: 20, zoom: 0.25 }), 400).flatMap(({ warps }) =>
      warps.flatMap((warp) => (warp.kind === "affine" ? [warp.matrix] : [])),
    );
    const angles = matrices.map(([a, b]) => (Math.atan2(b, a) * 180) / Math.PI);
    const zooms = matrices.map(([a, b]) => 1 / Math.hypot(a, b));
    expect(Math.max(...angles)).toBeGreaterThan(18);
    expect(Math.min(...angles)).toBeLessThan(-18);
    expect(Math.max(...angles.map(Math.abs))).toBeLessThanOrEqual(20.0001);
    expect(Math.max(...zooms)).toBeGreaterThan(1.23);
    expect(Math.max(...zooms)).toBeLessThanOrEqual(1.2501);
    expect(Math.min(...zooms)).toBeLessThan(0.82);
    expect(Math.min(...zooms)).toBeGreaterThanOrEqual(0.7999);
    // The centre stays.
    for (const [a, b, c, d, e, f] of matrices) {
      expect(a * 16 + b * 16 + c).toBeCloseTo(16, 9);
      expect(d * 16 + e * 16 + f).toBeCloseTo(16, 9);
    }
  });

  test("RandAugment draws n operations, each with probability p, and reports their warps", () => {
    const warpsOf = (aa: string) => draws(planOf({ aa }), 400).map(({ warps }) => warps.length);
    const mean = (list: number[]) => list.reduce((a, b) => a + b) / list.length;
    // 5 of 15 operations move pixels.
    expect(Math.abs(mean(warpsOf("rand-m9-n3-p1")) - 1)).toBeLessThan(0.15);
    expect(Math.abs(mean(warpsOf("rand-m9-n3")) - 0.5)).toBeLessThan(0.12);
    expect(mean(warpsOf("rand-m9-p0"))).toBe(0);
    // Weighted operations are drawn without replacement: all 15 of 15 are the 5 warps once each.
    expect(new Set(warpsOf("rand-m9-n15-p1-tweights"))).toEqual(new Set([5]));
  });

  test("magnitudes vary as told: normally, uniformly, within their limit", () => {
    const shears = (aa: string) =>
      draws(planOf({ aa }), 1500).flatMap(({ warps }) =>
        warps.flatMap(({ ...warp }) =>
          warp.kind === "affine" && warp.matrix[0] === 1 && warp.matrix[1] !== 0 ? [warp.matrix[1] / 0.03] : [],
        ),
      );
    const fixed = shears("rand-m6-p1");
    expect(new Set(fixed.map((value) => Math.abs(value).toFixed(6)))).toEqual(new Set(["6.000000"]));
    expect(Math.abs(share(fixed, (value) => value < 0) - 0.5)).toBeLessThan(0.12);
    const normal = shears("rand-m6-mstd1-p1").map(Math.abs);
    const mean = normal.reduce((a, b) => a + b) / normal.length;
    expect(Math.abs(mean - 6)).toBeLessThan(0.3);
    expect(Math.abs(Math.sqrt(normal.reduce((sum, x) => sum + (x - mean) ** 2, 0) / normal.length) - 1)).toBeLessThan(
      0.25,
    );
    const uniform = shears("rand-m8-mstd101-p1").map(Math.abs);
    expect(Math.max(...uniform)).toBeLessThanOrEqual(8);
    expect(Math.abs(share(uniform, (value) => value < 4) - 0.5)).toBeLessThan(0.15);
    expect(Math.max(...shears("rand-m9-mstd5-p1").map(Math.abs))).toBeCloseTo(10, 9);
    expect(Math.max(...shears("rand-m9-mstd5-mmax12-p1").map(Math.abs))).toBeCloseTo(12, 9);
  });

  test("AutoAugment draws one sub-policy per image", () => {
    const before = digest(picture("noise", 32, 32, 3));
    const results = draws(planOf({ aa: "3a" }), 300).map(({ hash }) => hash);
    expect(results).not.toContain(before);
    const solarized = picture("noise", 32, 32, 3);
    applyOperation(solarized, "Solarize", levelArgument("Solarize", 5, 1, 32), { filter: "bilinear", fill: [0] });
    const third = share(results, (hash) => hash === digest(solarized));
    expect(Math.abs(third - 1 / 3)).toBeLessThan(0.11);
  });

  test("warps sample by the filter that is told, or bilinearly as often as bicubically", () => {
    const angles = planOf({ rotate: 30 });
    const by = (filter: AugmentationPlan["filter"]) => {
      const original = picture("noise", 32, 32, 3);
      const canvas = picture("noise", 32, 32, 3);
      return Array.from({ length: 200 }, (_, sample) => {
        canvas.pixels.set(original.pixels);
        augmentImage(canvas, { ...angles, filter }, RandomStream.for(1, "augment", sample));
        return digest(canvas);
      });
    };
    const [nearest, bilinear, bicubic, random] = [by("nearest"), by("bilinear"), by("bicubic"), by("random")];
    expect(nearest.filter((hash, at) => hash === bilinear[at] || hash === bicubic[at])).toEqual([]);
    const [linear, cubic] = [bilinear, bicubic].map((all) => random.filter((hash, at) => hash === all[at]).length);
    expect((linear as number) + (cubic as number)).toBe(200);
    expect(Math.abs((linear as number) - 100)).toBeLessThan(36);
  });
});

describe("jitterColors", () => {
  const plan = { brightness: 0.4, contrast: 0, saturation: 0, hue: 0, probability: 1 };

  test("draws each factor uniformly around 1", () => {
    const factors = Array.from({ length: 400 }, (_, at) => {
      const canvas = picture("smooth", 8, 8, 1);
      canvas.pixels.fill(100);
      jitterColors(canvas, plan, RandomStream.for(3, "augment", at));
      return (canvas.pixels[0] as number) / 100;
    });
    expect(Math.min(...factors)).toBeGreaterThanOrEqual(0.59);
    expect(Math.min(...factors)).toBeLessThan(0.63);
    expect(Math.max(...factors)).toBeLessThanOrEqual(1.4);
    expect(Math.max(...factors)).toBeGreaterThan(1.37);
    expect(Math.abs(share(factors, (factor) => factor < 1) - 0.5)).toBeLessThan(0.1);
  });

  test("changes in random order, and only as often as asked for", () => {
    const both = { ...plan, contrast: 0.4, saturation: 0.4, hue: 0.2, probability: 0.3 };
    const before = digest(picture("smooth", 16, 16, 3));
    const results = Array.from({ length: 400 }, (_, at) => {
      const canvas = picture("smooth", 16, 16, 3);
      jitterColors(canvas, both, RandomStream.for(3, "augment", at));
      return digest(canvas);
    });
    expect(Math.abs(share(results, (result) => result !== before) - 0.3)).toBeLessThan(0.1);
  });
});
