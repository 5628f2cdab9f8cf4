import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, expect, test } from "vitest";
import { openDataset } from "../../../../src/data/dataset.ts";
import { ImageLoader } from "../../../../src/data/loader/loader.ts";
import { decodeImage } from "../../../../src/data/pictures/decode-image.ts";
import type { Sample } from "../../../../src/data/sample.ts";
import { targetOf } from "../../../../src/data/targets/target.ts";
import type { RasterImage } from "../../../../src/formats/raster.ts";
import { toChannels } from "../../../../src/images/channels.ts";
import { readFiles } from "../../../../src/inference/read-files.ts";
import { makeNifti } from "../../formats/nifti/made.ts";

const folder = mkdtempSync(join(tmpdir(), "msmae-originals-"));
afterAll(() => rmSync(folder, { recursive: true }));

// Six columns and four rows of each of two axial slices, in voxels of 0.5 mm by 2 mm.
const SHAPE = [6, 4, 2];
const affine = [
  [-0.5, 0, 0, 0],
  [0, -2, 0, 0],
  [0, 0, 3, 0],
];
const classAt = (at: number) => Number(at % 6 >= 4) + Number(at >= 24 && at % 24 < 6);
for (const part of ["imagesTr", "labelsTr"]) mkdirSync(join(folder, part));
const image = join(folder, "imagesTr/a.nii");
writeFileSync(image, makeNifti({ shape: SHAPE, affine, voxels: Uint8Array.from({ length: 48 }, (_, at) => at) }));
const labels = Uint8Array.from({ length: 48 }, (_, at) => classAt(at));
writeFileSync(join(folder, "labelsTr/a.nii"), makeNifti({ shape: SHAPE, affine, voxels: labels }));
const training = [{ image: "imagesTr/a.nii", label: "labelsTr/a.nii" }];
const names = { 0: "background", 1: "left", 2: "right" };
writeFileSync(join(folder, "dataset.json"), JSON.stringify({ labels: names, training }));

test("an epoch tells each image's own size, spacing and classes, from the file and from the cache", async () => {
  const options = { seed: 0, valSplit: 0, testSplit: 0, group: "none", cacheDir: join(folder, "cache") } as const;
  const { splits } = await openDataset(folder, options);
  const size = { inputHeight: 2, inputWidth: 2, channels: 3, workers: 1, target: { kind: "mask" } } as const;
  await using loader = new ImageLoader(splits.train, size);
  const batchOf = async (originals: boolean) => {
    const { value: batch } = await loader.inOrder({ batchSize: 2, originals }).next();
    if (!batch) throw new Error("no batch");
    return batch;
  };
  for (const hits of [0, 2]) {
    const batch = await batchOf(true);
    expect(loader.stats().cacheHits).toBe(hits);
    const own = { height: 4, width: 6, spacing: [2, 0.5] };
    expect(batch.originals).toMatchObject([own, own]);
    expect(batch.originals.flatMap((original) => [...(original?.classes ?? [])])).toEqual([...labels]);
    expect(targetOf(batch, "mask").classes).toHaveLength(8);
  }
  expect((await batchOf(false)).originals).toEqual([undefined, undefined]);
});

test("an epoch gives each image itself in the input's channels, from the file and from the cache, in threads and without", async () => {
  const options = { seed: 0, valSplit: 0, testSplit: 0, group: "none", cacheDir: join(folder, "cache") } as const;
  const { splits } = await openDataset(folder, options);
  const colour = join(folder, "colour.png");
  const pixels = Uint8Array.from({ length: 5 * 3 * 3 }, (_, at) => (at * 37) % 251);
  await sharp(pixels, { raw: { width: 5, height: 3, channels: 3 } })
    .png()
    .toFile(colour);
  const samples: Sample[] = [...splits.train, { path: colour, label: 0, masks: [] }];
  const slices = await Promise.all([0, 1].map((item) => decodeImage(image, { item })));
  const own = await decodeImage(colour);
  expect(own.pixels).toEqual(pixels);
  for (const channels of [1, 3] as const) {
    const expected = [...slices, own].map((picture) => toChannels(picture, channels));
    expect(expected.map(({ pixels: { length } }) => length)).toEqual([24, 24, 15].map((area) => area * channels));
    for (const workers of [0, 2]) {
      const size = { inputHeight: 2, inputWidth: 2, channels, workers, target: { kind: "mask" } } as const;
      await using loader = new ImageLoader(samples, size);
      for (const hits of [0, 3]) {
        const { value: batch } = await loader.inOrder({ batchSize: 3, originals: "pixels" }).next();
        expect(loader.stats().cacheHits).toBe(hits);
        for (const [at, original] of (batch?.originals ?? []).entries()) {
          const { height, width } = expected[at] as RasterImage;
          expect(original).toMatchObject({ height, width, image: { height, width, channels } });
          expect([...(original?.image?.pixels ?? [])]).toEqual([...(expected[at] as RasterImage).pixels]);
        }
        expect(batch?.originals).toHaveLength(3);
      }
      const { value: batch } = await loader.inOrder({ batchSize: 3, originals: true }).next();
      expect(batch?.originals.map((original) => original?.image)).toEqual([undefined, undefined, undefined]);
    }
  }
});

test("files tell their size and spacing beside the input that is made of them", async () => {
  const config = { inputHeight: 2, inputWidth: 2, inChans: 1 } as const;
  const reading = { window: { kind: "full" }, sliceAxis: "sagittal", alpha: "drop" } as const;
  const model = { ...config, patchSize: 1, embedDim: 1, depth: 1, numHeads: 1, mlpRatio: 1, numClasses: 0 };
  const options = { config: model, batchSize: 2, reading };
  const { value: batch } = await readFiles([{ path: image, item: 1 }], options).next();
  expect(batch?.files).toMatchObject([{ slice: 1, original: { height: 2, width: 4, spacing: [3, 2] } }]);
  expect(batch?.images).toHaveLength(4);
});
