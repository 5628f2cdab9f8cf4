import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterAll, describe, expect, test } from "vitest";
import { openArchives } from "../../../../src/curation/archives/index.ts";
import { type DatasetOptions, openDataset } from "../../../../src/data/dataset.ts";
import { ImageLoader, type LoaderOptions } from "../../../../src/data/loader/loader.ts";
import type { Sample } from "../../../../src/data/sample.ts";
import { targetOf } from "../../../../src/data/targets/target.ts";
import { openImageFile } from "../../../../src/formats/node/open-image-file.ts";
import type { SliceAxis } from "../../../../src/formats/source-image.ts";
import { IGNORED } from "../../../../src/support/ignored.ts";
import { allStorages, makeNifti, storeAs } from "../../formats/nifti/made.ts";

const folder = mkdtempSync(join(tmpdir(), "msmae-mask-volumes-"));
afterAll(() => rmSync(folder, { recursive: true }));
const AXES: readonly SliceAxis[] = ["axial", "coronal", "sagittal"];

function decathlon(name: string, labels: Record<string, string>): string {
  const root = join(folder, name);
  for (const part of ["imagesTr", "labelsTr"]) mkdirSync(join(root, part), { recursive: true });
  const training = [{ image: "imagesTr/a.nii", label: "labelsTr/a.nii" }];
  writeFileSync(join(root, "dataset.json"), JSON.stringify({ labels, training }));
  return root;
}

const open = (root: string, options: Partial<DatasetOptions> = {}) =>
  openDataset(root, { seed: 0, valSplit: 0, testSplit: 0, group: "none", cacheDir: join(folder, "cache"), ...options });

/** Images and classes of samples in their order, an input of the slices' size. */
async function read(samples: readonly Sample[], height: number, width: number, options: Partial<LoaderOptions>) {
  const size = { inputHeight: height, inputWidth: width, channels: 1 } as const;
  await using loader = new ImageLoader(samples, { ...size, workers: 1, target: { kind: "mask" }, ...options });
  const { value: batch } = await loader.inOrder({ batchSize: samples.length }).next();
  expect(loader.stats().unreadable).toEqual([]);
  if (!batch) throw new Error("no batch");
  return { images: [...batch.images], classes: [...targetOf(batch, "mask").classes] };
}

describe("the slices of a label volume lie on those of the image", () => {
  const SIZE = [7, 6, 5] as const;
  // No two directions are alike.
  const classAt = (x: number, y: number, z: number) => (x >= 4 && y <= 3 && z >= 1 ? 2 : x <= 1 && y >= 4 ? 1 : 0);
  const world = [
    [2, 0, 0, -3],
    [0, 2, 0, 5],
    [0, 0, 3, 1],
  ];
  // A voxel more on every side.
  const larger = SIZE.map((length) => length + 2) as [number, number, number];
  const classAround = (x: number, y: number, z: number) => {
    const inside = [x, y, z].every((at, axis) => at >= 1 && at <= (SIZE[axis] as number));
    return inside ? classAt(x - 1, y - 1, z - 1) : 1;
  };
  const around = world.map((row, axis) => row.with(3, (row[3] as number) - (row[axis] as number)));

  test.each(AXES)("along the %s axis, however both are stored, and where the labels reach further", async (axis) => {
    const [right, anterior, superior] = SIZE;
    const sizes = { axial: [anterior, right], coronal: [superior, right], sagittal: [superior, anterior] } as const;
    const [height, width] = sizes[axis];
    const storages = allStorages().filter((_, k) => k % 11 === 0);
    for (const [k, storage] of storages.entries()) {
      const root = decathlon(`${axis}-${k}`, { 0: "background", 1: "left", 2: "right" });
      const shown = storeAs(storage, SIZE, (...at) => 120 * classAt(...at), world);
      const other = storages[(k + 1) % storages.length] as typeof storage;
      writeFileSync(join(root, "imagesTr/a.nii"), makeNifti(shown));
      const labels = k % 2 === 0 ? storeAs(other, SIZE, classAt, world) : storeAs(other, larger, classAround, around);
      writeFileSync(join(root, "labelsTr/a.nii"), makeNifti(labels));
      const { splits } = await open(root, { sliceAxis: axis });
      const reading = { window: { kind: "range", low: 0, high: 255 }, sliceAxis: axis, alpha: "drop" } as const;
      const { images, classes } = await read(splits.train, height, width, { reading });
      expect(classes).toEqual(images.map((value) => Math.round(value / 120)));
      expect(new Set(classes)).toEqual(new Set([0, 1, 2]));
    }
  });
});

const data = process.env.MSMAE_DATA ?? resolve(import.meta.dirname, "../../../../../shared/data");
const missing = (path: string) => !existsSync(join(data, path));
const skipped = (path: string) => (missing(path) ? ` (SKIPPED: no ${path} in ../shared/data or $MSMAE_DATA)` : "");

describe("real masks", { timeout: 120_000 }, () => {
  const lesion = "nifti/lesion.nii.gz";
  test.skipIf(missing(lesion))(
    `a lesion of three parts in FLAIR, slice by slice along every axis${skipped(lesion)}`,
    async () => {
      const root = decathlon("lesion", { 0: "background", 1: "core", 2: "middle", 3: "rim" });
      symlinkSync(join(data, "nifti/FLAIR.nii.gz"), join(root, "imagesTr/a.nii"));
      symlinkSync(join(data, lesion), join(root, "labelsTr/a.nii"));
      const file = await openImageFile(join(data, lesion));
      for (const axis of AXES) {
        const { splits, maskClasses } = await open(root, { sliceAxis: axis, slices: "every:7" });
        expect(maskClasses).toEqual(["background", "core", "middle", "rim"]);
        const { height, width } = await file.read(0, axis);
        const reading = { window: { kind: "auto" }, sliceAxis: axis, alpha: "drop" } as const;
        const { classes } = await read(splits.train, height, width, { reading });
        const expected: number[] = [];
        for (const { item = 0 } of splits.train) expected.push(...(await file.read(item, axis)).values);
        expect(classes).toEqual(expected);
        expect(new Set(classes)).toEqual(new Set([0, 1, 2, 3]));
        // A slice's class is the largest of the classes of its pixels.
        const area = height * width;
        for (const [at, { label }] of splits.train.entries()) {
          const counts = [0, 0, 0, 0];
          for (const index of classes.slice(at * area, (at + 1) * area)) counts[index] = (counts[index] as number) + 1;
          const most = Math.max(...counts.slice(1));
          expect(most === 0 ? 0 : counts.indexOf(most, 1)).toBe(label);
        }
      }
    },
  );

  const kvasir = "kvasir-seg/kvasir-seg.zip";
  test.skipIf(missing(kvasir))(`polyps, whose masks are JPEG${skipped(kvasir)}`, async () => {
    const root = join(folder, "kvasir");
    let left = 40;
    for (const archive of await openArchives([join(data, kvasir)])) {
      for await (const { name, open: start } of archive.entries()) {
        const [, kind, file] = /(images|masks)\/([^/]+\.jpg)$/.exec(name) ?? [];
        if (kind === undefined || (file as string) > "cju1") continue;
        mkdirSync(join(root, kind), { recursive: true });
        writeFileSync(join(root, kind, file as string), await buffer(start()));
        if (--left === 0) break;
      }
    }
    const dataset = await open(root, { oneClass: true });
    expect(dataset).toMatchObject({ maskClasses: ["background", "lesion"], leftOut: [] });
    for (const sample of dataset.splits.train.slice(0, 6)) {
      const mask = await (await openImageFile(sample.masks?.[0]?.path as string)).read(0, "axial");
      const { classes } = await read([sample], mask.height, mask.width, {});
      const light = Array.from({ length: classes.length }, (_, at) => mask.values[at * mask.channels] as number);
      expect(classes).toEqual(light.map((value) => (value >= 128 ? 1 : 0)));
      const share = classes.reduce((sum, value) => sum + value) / classes.length;
      expect(share).toBeGreaterThan(0.005);
      expect(share).toBeLessThan(0.9);
      expect(classes).not.toContain(IGNORED);
    }
  });
});
