import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { mixImages, mixPatchWeights, mixTargets } from "../../../src/images/mixing/apply.ts";
import { drawMixes, type MixingDraws, type MixingOptions } from "../../../src/images/mixing/draw.ts";
import { classTargets } from "../../../src/method/feeds.ts";
import { RandomStream } from "../../../src/support/random.ts";
import timm from "./fixtures/timm-mixing.json" with { type: "json" };

const [batch, height, width, channels] = timm.shape as [number, number, number, number];
const size = { height, width, channels };
const off: MixingOptions = { mixup: 0, cutmix: 0, mixupProb: 1, mixupSwitchProb: 0.5, mixupMode: "batch" };

/** The images that the reference was made with. */
function images(): Uint8Array {
  const bytes = height * width * channels;
  return Uint8Array.from({ length: batch * bytes }, (_, i) => i * 7 + (i >> 5) * 13 + Math.floor(i / bytes) * 101);
}

/** Gives the draws of the reference's script, image by image. */
function scripted(options: MixingOptions): MixingDraws {
  const both = options.mixup > 0 && (options.cutmix > 0 || options.cutmixMinmax !== undefined);
  let image = -1;
  /** Whether the next uniform draw belongs to the next image. */
  let next = true;
  let integers: number[] = [];
  return {
    uniform() {
      // The first draw of an image says whether it is mixed, the second with what.
      const first = next;
      if (first) image++;
      const { prob, switch: which } = timm.script[image] as (typeof timm.script)[number];
      next = !both || !first || prob >= options.mixupProb;
      return first ? prob : which;
    },
    beta() {
      const { beta, integers: centre, sides } = timm.script[image] as (typeof timm.script)[number];
      integers = options.cutmixMinmax === undefined ? [...centre] : sides.flat();
      return beta;
    },
    integer: (low, high) => Math.min(Math.max(integers.shift() as number, low), high),
  };
}

describe("mixup and cutmix give timm's bytes and targets", () => {
  for (const { mode, options: given, sha256, sums, targets } of timm.cases) {
    test(`${mode} ${JSON.stringify(given)}`, () => {
      const options: MixingOptions = {
        mixup: given.mixup_alpha,
        cutmix: given.cutmix_alpha ?? 0,
        cutmixMinmax: given.cutmix_minmax,
        mixupProb: given.prob ?? 1,
        mixupSwitchProb: given.switch_prob ?? 0.5,
        mixupMode: mode as MixingOptions["mixupMode"],
      };
      const mixes = drawMixes(options, { batch, height, width }, scripted(options));
      const mixed = images();
      mixImages(mixed, mixes, size);
      const perImage = mixed.length / batch;
      const gotSums = mixes.map((_, b) => mixed.subarray(b * perImage, (b + 1) * perImage).reduce((s, v) => s + v, 0));
      expect(gotSums).toEqual(sums);
      expect(createHash("sha256").update(mixed).digest("hex")).toBe(sha256);
      const smoothed = classTargets(timm.labels, timm.classes, timm.smoothing);
      expect([...mixTargets(smoothed, mixes)]).toEqual(targets);
    });
  }
});

describe("drawing", () => {
  const draw = (options: Partial<MixingOptions>, count = 4000, at = 0) =>
    drawMixes(
      { ...off, mixupMode: "elem", ...options },
      { batch: count, height: 40, width: 60 },
      RandomStream.for(3, "mixing", at),
    );
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

  test("the share of mixup follows Beta(alpha, alpha)", () => {
    // Mean 1/2 and variance 1/(8 alpha + 4), within five standard errors of 4000 draws.
    for (const alpha of [0.05, 0.3, 1, 4]) {
      const shares = draw({ mixup: alpha }).map(({ share }) => share);
      const variance = 1 / (8 * alpha + 4);
      expect(Math.abs(mean(shares) - 0.5)).toBeLessThan(5 * Math.sqrt(variance / 4000));
      expect(Math.abs(mean(shares.map((share) => (share - 0.5) ** 2)) / variance - 1)).toBeLessThan(0.1);
    }
    expect(draw({ mixup: 1e-4 }).every(({ share }) => share === 0 || share === 1 || share > 0)).toBe(true);
  });

  test("probabilities of mixing and of cutmix are kept", () => {
    const drawn = draw({ mixup: 1, cutmix: 1, mixupProb: 0.6, mixupSwitchProb: 0.25 });
    const mixed = drawn.filter(({ share }) => share < 1);
    expect(Math.abs(mixed.length / 4000 - 0.6)).toBeLessThan(0.04);
    expect(Math.abs(mixed.filter(({ box }) => box !== undefined).length / mixed.length - 0.25)).toBeLessThan(0.05);
  });

  test("boxes lie inside the image and the share is what they leave", () => {
    const check = (drawn: ReturnType<typeof draw>) => {
      for (const { box, share, otherShare } of drawn) {
        if (box === undefined) continue;
        expect(box.top).toBeGreaterThanOrEqual(0);
        expect(box.left).toBeGreaterThanOrEqual(0);
        expect(box.bottom).toBeLessThanOrEqual(40);
        expect(box.right).toBeLessThanOrEqual(60);
        expect(otherShare).toBeCloseTo(((box.bottom - box.top) * (box.right - box.left)) / 2400, 6);
        expect(share + otherShare).toBeCloseTo(1, 6);
      }
    };
    check(draw({ cutmix: 1 }));
    const sides = draw({ cutmixMinmax: [0.25, 0.5] });
    check(sides);
    const heights = sides.flatMap(({ box }) => (box ? [box.bottom - box.top] : []));
    expect([Math.min(...heights), Math.max(...heights)]).toEqual([10, 19]);
    // Bounds between which no whole pixel lies still give a box.
    check(draw({ cutmixMinmax: [0.5, 0.501] }));
  });

  test("partners of a pair share a draw, a batch has one", () => {
    const pairs = draw({ mixup: 1, mixupMode: "pair" }, 6);
    expect(pairs).toEqual(pairs.toReversed());
    expect(new Set(pairs.map(({ share }) => share)).size).toBe(3);
    expect(new Set(draw({ mixup: 1, mixupMode: "batch" }, 6)).size).toBe(1);
    expect(draw({ mixup: 1 }, 6, 1)).not.toEqual(draw({ mixup: 1 }, 6, 2));
  });

  test("an odd batch is refused", () => {
    expect(() => draw({ mixup: 1 }, 5)).toThrow(/even number of images per batch.*got 5/);
  });
});

describe("patch weights are mixed as the pixels are", () => {
  const [patchSize, rows, columns] = [4, 3, 5];
  const grid = { width: columns * patchSize, patchSize };
  const own = Float32Array.from({ length: rows * columns }, (_, i) => 1 + (i % 4));
  const other = Float32Array.from({ length: rows * columns }, (_, i) => 10 + 3 * i);

  test("mixup weighs the maps by the shares", () => {
    const mixed = mixPatchWeights(own, other, { share: 0.25, otherShare: 0.75 }, grid);
    mixed.forEach((weight, i) => {
      expect(weight).toBeCloseTo(0.25 * (own[i] as number) + 0.75 * (other[i] as number), 5);
    });
  });

  test("cutmix takes the partner's weights inside the box, by area where the box cuts a patch", () => {
    const box = { top: 2, bottom: 11, left: 7, right: 20 };
    // Each pixel has its patch's weight over its area; the box's pixels are the partner's.
    const expected = new Float64Array(own.length);
    for (let y = 0; y < rows * patchSize; y++) {
      for (let x = 0; x < columns * patchSize; x++) {
        const patch = Math.floor(y / patchSize) * columns + Math.floor(x / patchSize);
        const inside = y >= box.top && y < box.bottom && x >= box.left && x < box.right;
        expected[patch] = (expected[patch] as number) + ((inside ? other : own)[patch] as number) / patchSize ** 2;
      }
    }
    const mixed = mixPatchWeights(own, other, { share: 0.5, otherShare: 0.5, box }, grid);
    mixed.forEach((weight, i) => {
      expect(weight).toBeCloseTo(expected[i] as number, 5);
    });
  });
});
