import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type EpochOptions, ImageLoader } from "../../../../src/data/loader/loader.ts";
import { decodeImage } from "../../../../src/data/pictures/decode-image.ts";
import { augmentImage } from "../../../../src/images/augment/augment-image.ts";
import { Canvas } from "../../../../src/images/augment/canvas.ts";
import { type AugmentationPlan, augmentationPlan } from "../../../../src/images/augment/plan.ts";
import { Resizer } from "../../../../src/images/transforms/resize.ts";
import { RandomStream } from "../../../../src/support/random.ts";

const folder = mkdtempSync(join(tmpdir(), "msmae-augment-"));
const samples = Array.from({ length: 6 }, (_, at) => ({ path: join(folder, `${at}.png`), label: 0 }));

// Every third file is grey.
beforeAll(async () => {
  for (const [at, { path }] of samples.entries()) {
    const channels = at % 3 === 0 ? 1 : 3;
    const [width, height] = [40 + at, 50 - at];
    const pixels = Uint8Array.from(
      { length: width * height * channels },
      (_, i) => (i * (at + 3) + (i >> 4) * 11) & 255,
    );
    const space = channels === 1 ? "b-w" : "srgb";
    await sharp(pixels, { raw: { width, height, channels } }).toColourspace(space).png().toFile(path);
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

const size = { inputHeight: 24, inputWidth: 24, channels: 3 as const };
const imageBytes = 24 * 24 * 3;

function planOf(options: { hflip?: number; aa?: string }): AugmentationPlan {
  const off = {
    hflip: 0.5,
    vflip: 0.5,
    rot90: true,
    rotate: 20,
    zoom: 0.1,
    elastic: [40, 4],
    elasticProb: 0.5,
    aa: "rand-m9-mstd0.5-inc1",
    colorJitterProb: 1,
    intensity: 1,
    reprob: 0.5,
    remode: "pixel",
    recount: 1,
    augInterpolation: "random",
    augFill: "mean",
  } as const;
  const input = { ...size, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
  return augmentationPlan({ ...off, ...options }, input) as AugmentationPlan;
}

const training: EpochOptions = {
  epoch: 2,
  seed: 5,
  batchSize: 4,
  augment: true,
  shuffle: true,
  dropLast: false,
};

async function collect(workers: number, epoch: EpochOptions) {
  await using loader = new ImageLoader(samples, { ...size, workers });
  const batches = [];
  for await (const { release, images, ...rest } of loader.epoch(epoch)) {
    batches.push({ ...rest, images: createHash("sha256").update(images).digest("hex") });
    release();
  }
  return batches;
}

describe("ImageLoader with an augmentation plan", () => {
  test("augments each image after crop, resize and mirror, and reports its warps", async () => {
    const plan = planOf({});
    await using loader = new ImageLoader(samples, { ...size, workers: 1 });
    const resizer = new Resizer();
    let warped = 0;
    for await (const { indices, paths, images, geometries } of loader.epoch({ ...training, plan })) {
      for (const [at, index] of indices.entries()) {
        const source = await decodeImage(paths[at] as string, { channels: 3 });
        const canvas = new Canvas(24, 24, 3);
        canvas.pixels.set(resizer.resize(source, 24, 24, { filter: "bicubic", ...geometries[at] }));
        const warps = augmentImage(canvas, plan, RandomStream.for(5, "augment", 2, index));
        expect(geometries[at]?.warps).toEqual(warps);
        expect(Buffer.compare(images.subarray(at * imageBytes, (at + 1) * imageBytes), canvas.pixels)).toBe(0);
        warped += warps.length;
      }
    }
    expect(warped).toBeGreaterThan(6);
  });

  test("gives the same epochs whatever the workers", async () => {
    const epoch = { ...training, plan: planOf({}) };
    expect(await collect(2, epoch)).toEqual(await collect(0, epoch));
    expect(await collect(2, { ...epoch, startBatch: 1 })).toEqual((await collect(0, epoch)).slice(1));
  });

  test("keeps the crops of an epoch without a plan", async () => {
    const crops = async (epoch: EpochOptions) =>
      (await collect(0, epoch)).flatMap(({ geometries }) => geometries.map(({ crop, flip }) => ({ crop, flip })));
    expect(await crops({ ...training, plan: planOf({}) })).toEqual(await crops(training));
  });

  test("mirrors as often as the plan says", async () => {
    const flips = async (hflip: number) =>
      (await collect(0, { ...training, plan: planOf({ hflip }) })).flatMap(({ geometries }) =>
        geometries.map(({ flip }) => flip),
      );
    expect(new Set(await flips(0))).toEqual(new Set([false]));
    expect(new Set(await flips(1))).toEqual(new Set([true]));
  });

  test("leaves evaluation as it is", async () => {
    const evaluation = { ...training, augment: false, shuffle: false };
    expect(await collect(0, { ...evaluation, plan: planOf({ hflip: 1 }) })).toEqual(await collect(0, evaluation));
  });
});
