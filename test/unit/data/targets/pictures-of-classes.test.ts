import { mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FileIndex } from "../../../../src/data/index/index-cache.ts";
import { ImageLoader } from "../../../../src/data/loader/loader.ts";
import type { Sample } from "../../../../src/data/sample.ts";
import { picturesOfMaskClasses } from "../../../../src/data/targets/pictures-of-classes.ts";
import type { SliceAxis } from "../../../../src/formats/source-image.ts";
import { IGNORED } from "../../../../src/support/ignored.ts";
import { niftiFile } from "../../formats/volume-files.ts";

const folder = mkdtempSync(join(tmpdir(), "msmae-counting-"));
afterAll(() => rmSync(folder, { recursive: true }));
const TIME = new Date(2020, 1, 1);
function put(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  utimesSync(path, TIME, TIME);
  return path;
}
const picture = async (name: string, pixels: readonly number[]) =>
  put(
    name,
    await sharp(Uint8Array.from(pixels), { raw: { width: 2, height: 2, channels: 1 } })
      .toColourspace("b-w")
      .png()
      .toBuffer(),
  );

const CLASSES = 5;
let samples: Sample[] = [];
beforeAll(async () => {
  const image = await picture("image.png", [9, 9, 9, 9]);
  const [light, faint, empty] = [
    await picture("light.png", [255, 0, 2, 0]),
    await picture("faint.png", [0, 0, 2, 0]),
    await picture("empty.png", [0, 0, 0, 0]),
  ];
  const wide = put(
    "wide.png",
    await sharp({ create: { width: 2, height: 2, channels: 3, background: "red" } })
      .png()
      .toBuffer(),
  );
  const volume = put("volume.nii", niftiFile([2, 2, 3], new Uint8Array(12)));
  const labels = put("labels.nii", niftiFile([2, 2, 3], Uint8Array.from([0, 0, 0, 0, 0, 7, 7, 8, 9, 0, 0, 0])));
  const values = new Map([
    [0, 0],
    [7, 4],
    [8, 3],
    [9, IGNORED],
  ]);
  const slice = (item: number) => ({ path: volume, item, label: 0, masks: [{ path: labels, values }] });
  samples = [
    { path: image, label: 0, masks: [{ path: light, class: 1 }] },
    { path: image, label: 0, masks: [{ path: wide, class: 1 }] },
    // Of two masks that do not overlap.
    {
      path: image,
      label: 0,
      masks: [
        { path: light, class: 2 },
        { path: faint, class: 1 },
      ],
    },
    { path: image, label: 0, masks: [{ path: faint, class: 2, light: true }] },
    { path: image, label: 0, masks: [{ path: empty, class: 2 }] },
    { path: image, label: 0, masks: [] },
    slice(0),
    slice(1),
    slice(2),
  ];
});

const count = async (of: readonly Sample[], sliceAxis: SliceAxis = "axial") =>
  picturesOfMaskClasses(of, CLASSES, { index: await FileIndex.open(folder, join(folder, "cache")), sliceAxis });

/** The same from the pixels that a loader gives. */
async function countedByLoader(of: readonly Sample[], sliceAxis: SliceAxis = "axial"): Promise<number[]> {
  const reading = { window: { kind: "full" }, sliceAxis, alpha: "drop" } as const;
  const size = { inputHeight: 2, inputWidth: 2, channels: 1, workers: 0, target: { kind: "mask" } } as const;
  await using loader = new ImageLoader(of, { ...size, reading });
  const counts = new Array<number>(CLASSES).fill(0);
  for await (const { originals } of loader.inOrder({ batchSize: 4, originals: true })) {
    for (const { classes = new Uint8Array() } of originals.filter((original) => original !== undefined)) {
      const shown = [...new Set(classes)].filter((label) => label > 0 && label < CLASSES);
      for (const label of shown.length > 0 ? shown : [0]) counts[label] = (counts[label] as number) + 1;
    }
  }
  return counts;
}

test("pictures that show a class, and those that show none, are those of the loader", async () => {
  expect(await count(samples)).toEqual([5, 3, 1, 1, 1]);
  expect(await countedByLoader(samples)).toEqual([5, 3, 1, 1, 1]);
  const slices = samples.slice(-3).map((sample, item) => ({ ...sample, item: item % 2 }));
  expect(await count(slices, "sagittal")).toEqual([0, 0, 0, 2, 3]);
  expect(await countedByLoader(slices, "sagittal")).toEqual([0, 0, 0, 2, 3]);
});

test("what is known is not read again, in a later run neither", async () => {
  const path = await picture("changed.png", [0, 255, 0, 0]);
  const once = [{ path, label: 0, masks: [{ path, class: 1 }] }];
  expect(await count(once)).toEqual([0, 1, 0, 0, 0]);
  // Of the same size and time: only who looks into the file sees that it has changed.
  put("changed.png", new Uint8Array(statSync(path).size));
  expect(await count(once)).toEqual([0, 1, 0, 0, 0]);
  utimesSync(path, new Date(), new Date());
  expect(await count(once)).toEqual([0, 0, 0, 0, 0]);
});

test("pictures that a loader refuses, and those that nobody has looked at, are not counted", async () => {
  const image = (samples[0] as Sample).path;
  const labels = join(folder, "labels.nii");
  const refused: Sample[] = [
    { path: image, label: 0 },
    { path: image, label: 0, masks: [{ path: join(folder, "absent.png"), class: 1 }] },
    { path: image, label: 0, masks: [{ path: labels, class: 1 }] },
    { path: image, label: 0, masks: [{ path: labels, class: 1, item: 3 }] },
    { path: image, label: 0, masks: [{ path: labels, values: new Map([[7, 1]]), item: 1 }] },
  ];
  expect(await count(refused)).toEqual([0, 0, 0, 0, 0]);
  expect(await countedByLoader(refused.slice(1))).toEqual([0, 0, 0, 0, 0]);
});
