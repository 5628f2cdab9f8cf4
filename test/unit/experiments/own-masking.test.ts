import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openDataset } from "../../../src/data/dataset.ts";
import { ImageLoader } from "../../../src/data/loader/loader.ts";
import { type MaskingOptions, OwnMasking } from "../../../src/experiments/own-masking.ts";
import type { EncoderConfig } from "../../../src/method/models/config.ts";

const config: EncoderConfig = {
  ...{ inputHeight: 32, inputWidth: 32, patchSize: 8, inChans: 1, numClasses: 2 },
  ...{ embedDim: 8, depth: 1, numHeads: 1, mlpRatio: 1 },
};
const options: MaskingOptions = {
  ...{ attended: "hide", randomShare: 0, mapSource: "attention", mapCrop: "aligned", attentionStartEpoch: 0, seed: 1 },
  ...{ maskRatio: 0.25, throwRatio: 0.25, randomMaskRatio: 0.75 },
};
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "msmae-own-masking-"));
  const grey = (name: string, pixels: Uint8Array) =>
    sharp(pixels, { raw: { width: 32, height: 32, channels: 1 } })
      .png()
      .toFile(join(folder, name));
  // The lesion fills the patch at the corner; nothing is outlined in the second image.
  const mask = new Uint8Array(1024);
  for (let y = 0; y < 8; y++) mask.fill(255, y * 32, y * 32 + 8);
  for (const name of ["a.png", "b.png"]) await grey(name, new Uint8Array(1024).fill(90));
  await grey("lesion.png", mask);
  await grey("none.png", new Uint8Array(1024));
  await writeFile(join(folder, "set.csv"), "path,label,split,mask\na.png,x,test,lesion.png\nb.png,y,test,none.png\n");
});
afterAll(() => rm(folder, { recursive: true }));

async function masking(more: Partial<MaskingOptions>): Promise<OwnMasking> {
  const { splits } = await openDataset(join(folder, "set.csv"), { seed: 0, valSplit: 0 });
  const size = { inputHeight: 32, inputWidth: 32, channels: 1 } as const;
  await using loader = new ImageLoader(splits.test, { ...size, workers: 0, target: { kind: "mask" } });
  return await OwnMasking.of({ ...options, ...more }, { config, loader, batchSize: 2, hooks: {} });
}

/** A map with all its weight in one cell. */
const peakAt = (cell: number) => Float32Array.from({ length: 16 }, (_, at) => Number(at === cell));
const [onLesion, elsewhere] = [peakAt(0), peakAt(15)];
const lesion = [0];
const [masked, kept] = [
  { masked: 1, thrown: 0, kept: 0, hidden: 1 },
  { masked: 0, thrown: 0, kept: 1, hidden: 0 },
];

test("attention on the lesion hides it, attention elsewhere does not mask it, and the attended may be kept", async () => {
  const hide = await masking({});
  // The four patches that the peak reaches, as maps are enlarged bilinearly, are the four masked.
  expect(hide.fates(onLesion, lesion, 0)).toEqual(masked);
  expect(hide.fates(onLesion, [0, 1, 4, 5], 0)).toEqual(masked);
  expect(hide.fates(elsewhere, lesion, 0).masked).toBe(0);
  const keep = await masking({ attended: "keep", maskRatio: 0.5, throwRatio: 0.25 });
  expect(keep.fates(onLesion, lesion, 0)).toEqual(kept);
});

test("by given masks the lesion is hidden wherever the model looks, and in an image without one by chance", async () => {
  const given = await masking({ mapSource: "mask" });
  expect(given.fates(elsewhere, lesion, 0)).toEqual(masked);
  expect(given.fates(elsewhere, lesion, 1).masked).toBeLessThan(1);
});

test("random masking has the fates of its own ratio, guided masking beside it those of its own", async () => {
  const random = await masking({ attentionStartEpoch: "never", mapSource: "mask" });
  expect(random.fates(onLesion, lesion, 0)).toEqual({ masked: 0.75, thrown: 0, kept: 0.25, hidden: 0.75 });
  expect((await masking({})).uniform(lesion)).toEqual({ masked: 0.25, thrown: 0.25, kept: 0.5, hidden: 0.5 });
});
