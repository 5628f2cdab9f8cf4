import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type DataStatsInput, resolveConfig, verbs } from "../../../src/config/index.ts";
import { splitData } from "../../../src/curation/split-data.ts";
import { dataStats } from "../../../src/curation/stats.ts";
import { encodeNpy } from "../../../src/formats/npy.ts";

const folder = mkdtempSync(join(tmpdir(), "msmae-stats-"));
const set = join(folder, "set");
const options: DataStatsInput = {
  dataPath: set,
  split: "train",
  inputSize: { height: 4, width: 6 },
  inChans: 3,
  window: "auto",
  sliceAxis: "axial",
  alpha: "drop",
  seed: 0,
  workers: 0,
  strict: false,
};

// Images of the input's own size, so that nothing is resized: one colour each.
beforeAll(async () => {
  const colours = { a: [10, 20, 30], b: [40, 80, 255] };
  for (const [name, colour] of Object.entries(colours)) {
    mkdirSync(join(set, "train", name), { recursive: true });
    const pixels = Uint8Array.from({ length: 4 * 6 * 3 }, (_, i) => colour[i % 3] as number);
    await sharp(pixels, { raw: { width: 6, height: 4, channels: 3 } })
      .png()
      .toFile(join(set, "train", name, "1.png"));
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

test("mean and standard deviation are those of all pixels, per channel, scaled to [0, 1]", async () => {
  const { images, mean, std, white, black } = await dataStats({ ...options, valSplit: 0 });
  expect(images).toBe(2);
  for (const [channel, [low, high]] of [
    [10, 40],
    [20, 80],
    [30, 255],
  ].entries()) {
    expect(mean[channel]).toBeCloseTo(((low as number) + (high as number)) / 2 / 255, 12);
    expect(std[channel]).toBeCloseTo(((high as number) - (low as number)) / 2 / 255, 12);
  }
  expect([black, white]).toEqual([
    [0, 0, 0],
    [0, 0, 0.5],
  ]);
});

test("the file it writes is a configuration that training reads", async () => {
  const output = join(folder, "stats.yaml");
  const { mean, std } = await dataStats({ ...options, valSplit: 0, output });
  const file = readFileSync(output, "utf8");
  const flags = { dataPath: set, outputDir: "run" };
  expect(resolveConfig(verbs.pretrain, { file, flags })).toMatchObject({ mean, std });
});

test("values are windowed as asked, and unreadable images are named and not counted", async () => {
  const other = join(folder, "other");
  for (const name of ["a", "b"]) mkdirSync(join(other, "train", name), { recursive: true });
  writeFileSync(join(other, "train", "a", "1.npy"), encodeNpy(new Float32Array(24).fill(25), [4, 6]));
  writeFileSync(join(other, "train", "b", "broken.png"), "no image");
  const warnings: string[] = [];
  const { images, mean, unreadable } = await dataStats(
    { ...options, dataPath: other, valSplit: 0, inChans: 1, window: "range:0,100" },
    { onEvent: (event) => event.type === "warning" && warnings.push(event.message) },
  );
  expect({ images, unreadable }).toEqual({ images: 1, unreadable: [join(other, "train", "b", "broken.png")] });
  expect(mean[0]).toBeCloseTo(64 / 255, 12);
  expect(warnings[0]).toContain("broken.png");
});

test("a set of one class of whole images, as sets for segmentation are, is measured and shared out into folds", async () => {
  const one = join(folder, "one");
  mkdirSync(join(one, "polyp"), { recursive: true });
  for (const [i, value] of [51, 51, 153, 153].entries()) {
    const pixels = new Uint8Array(4 * 6 * 3).fill(value);
    await sharp(pixels, { raw: { width: 6, height: 4, channels: 3 } })
      .png()
      .toFile(join(one, "polyp", `${i}.png`));
  }
  const output = join(folder, "folds.csv");
  const { folds } = await splitData({ dataPath: one, folds: 2, output });
  expect(folds?.map(({ samples }) => samples)).toEqual([2, 2]);
  const { images, mean } = await dataStats({ ...options, dataPath: one, valSplit: 0, split: "train" });
  expect(images).toBe(3);
  // One of the four is drawn for testing: two of one level and one of the other are left.
  expect(Math.abs((mean[0] as number) - 0.4)).toBeCloseTo(1 / 15, 6);
});
