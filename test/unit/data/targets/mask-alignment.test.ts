import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ImageLoader } from "../../../../src/data/loader/loader.ts";
import type { Sample } from "../../../../src/data/sample.ts";
import { targetOf } from "../../../../src/data/targets/target.ts";
import {
  type AugmentationOptions,
  type AugmentationPlan,
  augmentationPlan,
} from "../../../../src/images/augment/plan.ts";
import { IGNORED } from "../../../../src/support/ignored.ts";

const folder = mkdtempSync(join(tmpdir(), "msmae-alignment-"));
afterAll(() => rmSync(folder, { recursive: true }));

const COUNT = 24;
const SIDE = 96;
const samples: Sample[] = [];

// Images that are their own masks: an ellipse, a bar and a wedge of no common symmetry, in pictures of several shapes.
beforeAll(async () => {
  for (let at = 0; at < COUNT; at++) {
    const [width, height] = [110 + 7 * (at % 5), 150 - 6 * (at % 7)];
    const pixels = new Uint8Array(width * height);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const [u, v] = [x / width, y / height];
        const ellipse = ((u - 0.3) / 0.2) ** 2 + ((v - 0.35) / 0.14) ** 2 < 1;
        const bar = u > 0.65 && u < 0.8 && v > 0.15 && v < 0.7;
        const wedge = v > 0.75 && v < 0.95 && u < v - 0.4;
        pixels[y * width + x] = ellipse || bar || wedge ? 255 : 0;
      }
    }
    const path = join(folder, `${at}.png`);
    await sharp(pixels, { raw: { width, height, channels: 1 } })
      .toColourspace("b-w")
      .png()
      .toFile(path);
    samples.push({ path, label: 0, masks: [{ path, class: 1 }] });
  }
});

const off: AugmentationOptions = {
  hflip: 0,
  vflip: 0,
  rot90: false,
  rotate: 0,
  zoom: 0,
  elasticProb: 1,
  colorJitterProb: 0,
  intensity: 0,
  reprob: 0,
  remode: "const",
  recount: 1,
  augInterpolation: "bilinear",
  augFill: "black",
};
const planOf = (options: Partial<AugmentationOptions>) =>
  augmentationPlan({ ...off, ...options }, { inputHeight: SIDE, inputWidth: SIDE, mean: [0.5], std: [0.2] });

/** Whether all neighbours of a pixel are of one class, itself included: then it is no edge. */
function isInner(classes: Uint8Array, at: number): boolean {
  const [x, y] = [at % SIDE, Math.floor(at / SIDE)];
  for (let row = Math.max(0, y - 1); row <= Math.min(SIDE - 1, y + 1); row++) {
    for (let column = Math.max(0, x - 1); column <= Math.min(SIDE - 1, x + 1); column++) {
      if (classes[row * SIDE + column] !== classes[at]) return false;
    }
  }
  return true;
}

interface Agreement {
  warps: Set<string>;
  /** Pixels of the image that are not those of the mask, though they lie within it or outside of it. */
  wrong: number;
  /** Pixels compared. */
  inner: number;
  /** Of these, pixels of the mask. */
  labelled: number;
  ignored: number;
}

async function agreementOf(
  plan: AugmentationPlan | undefined,
  { augment = true, colours = false } = {},
): Promise<Agreement> {
  const size = { inputHeight: SIDE, inputWidth: SIDE, channels: 1 } as const;
  await using loader = new ImageLoader(samples, { ...size, workers: 1, target: { kind: "mask" } });
  const found: Agreement = { warps: new Set(), wrong: 0, inner: 0, labelled: 0, ignored: 0 };
  const epoch = { epoch: 1, seed: 3, batchSize: 8, augment, shuffle: false, dropLast: false };
  for await (const batch of loader.epoch({ ...epoch, plan })) {
    const { classes } = targetOf(batch, "mask");
    for (const [b, { flip, crop, warps = [] }] of batch.geometries.entries()) {
      const [image, mask] = [batch.images, classes].map((all) =>
        all.subarray(b * SIDE * SIDE, (b + 1) * SIDE * SIDE),
      ) as [Uint8Array, Uint8Array];
      for (const { kind } of warps) found.warps.add(kind);
      if (flip) found.warps.add("flip-x");
      if (crop.top > 0) found.warps.add("crop");
      const inner = [...mask.keys()].filter((at) => mask[at] !== IGNORED && isInner(mask, at));
      const level = (wanted: number) => {
        const own = inner.filter((at) => mask[at] === wanted).map((at) => image[at] as number);
        return own.sort((a, c) => a - c)[own.length >> 1] ?? wanted * 255;
      };
      // Colours change the two values, and may even exchange them.
      const [low, high] = colours ? [level(0), level(1)] : [0, 255];
      if (Math.abs(high - low) < 20) continue;
      for (const at of inner) {
        const shown = ((image[at] as number) - low) / (high - low) >= 0.5 ? 1 : 0;
        if (shown !== mask[at]) found.wrong++;
        found.labelled += mask[at] as number;
      }
      found.inner += inner.length;
      found.ignored += mask.filter((value) => value === IGNORED).length;
    }
  }
  return found;
}

describe("an image that is its own mask stays so, but for a pixel along edges,", () => {
  const cases: [string, Partial<AugmentationOptions>, string[]][] = [
    ["cropped", {}, ["crop"]],
    ["mirrored", { hflip: 1 }, ["flip-x"]],
    ["flipped", { vflip: 1 }, ["flip-y"]],
    ["turned by quarters", { rot90: true, hflip: 0.5 }, ["turn", "flip-x"]],
    ["rotated and zoomed", { rotate: 45, zoom: 0.3 }, ["affine"]],
    ["rotated, bicubic", { rotate: 45, augInterpolation: "bicubic" }, ["affine"]],
    ["rotated, nearest", { rotate: 45, augInterpolation: "nearest" }, ["affine"]],
    ["warped elastically", { elastic: [150, 12] }, ["elastic"]],
    [
      "through all of them",
      { hflip: 0.5, vflip: 0.5, rot90: true, rotate: 30, zoom: 0.2, elastic: [100, 12] },
      ["flip-x", "flip-y", "turn", "affine", "elastic"],
    ],
  ];
  test.each(cases)("%s", async (_name, options, warps) => {
    const found = await agreementOf(planOf(options));
    expect([...found.warps]).toEqual(expect.arrayContaining(warps));
    expect(found.inner).toBeGreaterThan(0.5 * COUNT * SIDE ** 2);
    expect(found.labelled).toBeGreaterThan(0.05 * COUNT * SIDE ** 2);
    // The image is rounded at each of its steps: the tip of the wedge may end up to two pixels away.
    expect(found.wrong / found.inner).toBeLessThan(2e-5);
  });

  test("through automatic augmentation", async () => {
    const plan = planOf({ aa: "rand-m9-n3-mstd0.5", hflip: 0.5 });
    const found = await agreementOf(plan, { colours: true });
    expect(found.warps).toContain("affine");
    expect(found.inner).toBeGreaterThan(0.5 * COUNT * SIDE ** 2);
    expect(found.wrong / found.inner).toBeLessThan(1e-3);
  });

  test("resized whole", async () => {
    const found = await agreementOf(undefined, { augment: false });
    expect(found).toMatchObject({ wrong: 0, ignored: 0 });
    expect(found.labelled).toBeGreaterThan(0.05 * COUNT * SIDE ** 2);
  });
});

test("what a rotation takes from outside is ignored, or background where that is asked for", async () => {
  const read = async (outside: "ignored" | "background") => {
    const size = { inputHeight: SIDE, inputWidth: SIDE, channels: 1 } as const;
    await using loader = new ImageLoader(samples, { ...size, workers: 1, target: { kind: "mask", outside } });
    const epoch = { epoch: 1, seed: 3, batchSize: COUNT, augment: true, shuffle: false, dropLast: false };
    for await (const batch of loader.epoch({ ...epoch, plan: planOf({ rotate: 45 }) })) {
      return targetOf(batch, "mask").classes.slice();
    }
    return new Uint8Array();
  };
  const [ignored, background] = [await read("ignored"), await read("background")];
  expect(ignored.filter((value) => value === IGNORED).length).toBeGreaterThan(0.03 * ignored.length);
  expect(background).toEqual(ignored.map((value) => (value === IGNORED ? 0 : value)));
});
