import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openDataset } from "../../../../src/data/dataset.ts";
import type { Batch } from "../../../../src/data/loader/loader.ts";
import { ImageLoader } from "../../../../src/data/loader/loader.ts";
import type { EncoderConfig } from "../../../../src/method/models/config.ts";
import { GuidedMasking, type GuidedMaskingOptions } from "../../../../src/training/maps/guided-masking.ts";

const config: EncoderConfig = {
  ...{ inputHeight: 16, inputWidth: 24, patchSize: 8, inChans: 1, numClasses: 2 },
  ...{ embedDim: 8, depth: 1, numHeads: 1, mlpRatio: 1 },
};
const counts = { kept: 2, masked: 2, thrown: 2 };
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "msmae-guided-"));
  const grey = (name: string, pixels: Uint8Array) =>
    sharp(pixels, { raw: { width: 24, height: 16, channels: 1 } })
      .png()
      .toFile(join(folder, name));
  // Noise in the patch at the top right, the rest flat; outlined are the two patches on the left below.
  const image = new Uint8Array(384).fill(40);
  const mask = new Uint8Array(384);
  for (let y = 0; y < 8; y++) {
    for (let x = 0; x < 8; x++) {
      image[y * 24 + 16 + x] = (37 * (8 * y + x)) % 256;
      mask[(8 + y) * 24 + x] = 255;
      if (x < 4) mask[(8 + y) * 24 + 8 + x] = 255;
    }
  }
  await grey("a.png", image);
  await grey("b.png", image);
  await grey("a-mask.png", mask);
  await writeFile(join(folder, "some.csv"), "path,label,split,mask\na.png,x,train,a-mask.png\nb.png,y,train,none\n");
  await writeFile(join(folder, "none.csv"), "path,label,split\na.png,x,train\nb.png,y,train\n");
});
afterAll(() => rm(folder, { recursive: true }));

async function masking(table: string, options: Partial<GuidedMaskingOptions>) {
  const { splits } = await openDataset(join(folder, table), { seed: 0, valSplit: 0 });
  const loader = new ImageLoader(splits.train, { inputHeight: 16, inputWidth: 24, channels: 1, workers: 0 });
  const warnings: string[] = [];
  const onEvent = (event: { type: string; message?: string }) =>
    void (event.type === "warning" && warnings.push(event.message ?? ""));
  // An engine and feeds are for maps that a model makes.
  const run = { config, loader, hooks: { onEvent } } as unknown as ConstructorParameters<typeof GuidedMasking>[0];
  const policy = { attended: "hide", randomShare: 0, mapSource: "mask", mapCrop: "aligned", fastMaps: false } as const;
  const made = new GuidedMasking(run, { seed: 1, batchSize: 2, ...policy, ...options });
  const batches = loader.inOrder({ batchSize: 2 });
  const { value: batch } = await batches.next();
  await batches.return();
  return { made, batch: batch as Batch, warnings };
}

const mapsOf = ({ maps }: Readonly<Record<string, Float32Array>>) => [...(maps ?? [])].map((v) => Number(v.toFixed(6)));

test("of given masks, each patch weighs the share of it that is outlined; an image without any is masked uniformly, without a word", async () => {
  const { made, batch, warnings } = await masking("some.csv", {});
  await made.refresh(false, counts);
  expect(mapsOf(made.state())).toEqual([0, 0, 0, 1, 0.5, 0, 0, 0, 0, 0, 0, 0]);
  const masked = made.select(batch, 0, 3, counts, Float32Array.of(0, 0, 0, 1, 0.5, 0)).masked;
  expect([...masked].sort()).toEqual([3, 4]);
  made.select(batch, 1, 3, counts, new Float32Array(6));
  expect(warnings).toEqual([]);
});

test("masks are refused where no training image has one", async () => {
  const { made } = await masking("none.csv", {});
  await expect(made.refresh(false, counts)).rejects.toThrow(/expected masks of lesions .* --map-source mask, got none/);
});

test("of entropy, the patch with something to see weighs all; maps are made once, and not again after a stop", async () => {
  const { made, warnings } = await masking("none.csv", { mapSource: "entropy" });
  made.restore({});
  await made.refresh(true, counts);
  const maps = mapsOf(made.state());
  // One digit a patch: that at the top right of either image.
  expect(maps.map((v) => Number(v > 0)).join("")).toBe("001000001000");
  const kept = new Float32Array(12).fill(0.25);
  made.restore({ maps: kept });
  await made.refresh(true, counts);
  expect(mapsOf(made.state())).toEqual([...kept]);
  expect(warnings).toEqual([]);
});

test("the patches that weigh most are kept where the policy says so, and each image's draw depends on the epoch and itself alone", async () => {
  const { made, batch } = await masking("some.csv", { attended: "keep" });
  const weights = Float32Array.of(0, 0, 0, 1, 1, 0);
  const chosen = made.select(batch, 0, 0, counts, weights);
  expect([...chosen.kept].sort()).toEqual([3, 4]);
  expect(made.select(batch, 0, 0, counts, weights)).toEqual(chosen);
  const orders = new Set(
    Array.from({ length: 8 }, (_, epoch) => made.select(batch, 0, epoch, counts, weights).masked.join()),
  );
  expect(orders.size).toBeGreaterThan(1);
});

test("at a random share of 1 maps have no part, and nothing is said of those that are zero everywhere", async () => {
  const { made, batch, warnings } = await masking("some.csv", { mapSource: "attention", randomShare: 1 });
  const weights = Float32Array.of(1, 1, 0, 0, 0, 0);
  const masked = new Set<number>();
  for (let epoch = 0; epoch < 30; epoch++)
    for (const patch of made.select(batch, 0, epoch, counts, weights).masked) masked.add(patch);
  expect([...masked].sort()).toEqual([0, 1, 2, 3, 4, 5]);
  made.select(batch, 1, 0, counts, new Float32Array(6));
  expect(warnings).toEqual([]);
});

test("a map of attention that is zero everywhere is told once in an epoch", async () => {
  const { made, batch, warnings } = await masking("some.csv", { mapSource: "attention" });
  for (const b of [0, 1]) made.select(batch, b, 4, counts, new Float32Array(6));
  expect(warnings).toHaveLength(1);
});
