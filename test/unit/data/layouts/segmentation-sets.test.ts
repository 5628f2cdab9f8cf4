import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import sharp from "sharp";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { prepareData } from "../../../../src/curation/prepare/index.ts";
import { openDataset, splitCsv } from "../../../../src/data/dataset.ts";
import type { Sample } from "../../../../src/data/sample.ts";
import { IGNORED } from "../../../../src/support/ignored.ts";
import { writeZip } from "../../curation/archives/make.ts";
import { niftiFile } from "../../formats/volume-files.ts";
import { grey, loaded, named } from "./masked-sets.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "msmae-segmentation-sets-"));
});
afterEach(() => rmSync(root, { recursive: true }));

function put(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}
/** As a verb that trains segmenters opens it. */
const open = (path = "") =>
  openDataset(join(root, path), { seed: 1, valSplit: 0, testSplit: 0, oneClass: true, cacheDir: join(root, "cache") });
describe("sets as data prepare writes them", () => {
  test("Kvasir-SEG: one class, outlined by the masks of the table", async () => {
    const files: Record<string, Uint8Array> = {};
    for (let at = 0; at < 10; at++) {
      files[`Kvasir-SEG/images/p${at}.jpg`] = await sharp(await grey([at, 9, 60, 0]))
        .jpeg()
        .toBuffer();
      const mask = await sharp(await grey([0, 255, 0, 0]))
        .toColourspace("srgb")
        .png()
        .toBuffer();
      files[`Kvasir-SEG/masks/p${at}.jpg`] = mask;
    }
    const archive = await writeZip(join(root, "kvasir-seg.zip"), files);
    await prepareData({ preset: "kvasir-seg", archives: [archive], outputDir: join(root, "set") });
    const dataset = await open("set");
    expect(dataset).toMatchObject({ classNames: ["polyp"], maskClasses: ["background", "polyp"], leftOut: [] });
    const sample = named(dataset, "p3.jpg");
    expect(sample.masks).toEqual([{ path: join(root, "set/masks/1/p3.png"), class: 1 }]);
    const { classes, groups } = await loaded([sample]);
    expect(classes).toEqual([[0, 1, 0, 0]]);
    expect(groups).toEqual([`file ${sample.path}`]);
  });

  test("BUSI: lesions of two classes, several in an image, and normal images that show none", async () => {
    const folder = "Dataset_BUSI_with_GT";
    const files: Record<string, Uint8Array> = {};
    for (const label of ["benign", "malignant", "normal"]) {
      for (let at = 1; at <= 10; at++) {
        files[`${folder}/${label}/${label} (${at}).png`] = await grey([at, label.length, 0, 0]);
        const mask = label === "normal" ? [0, 0, 0, 0] : [0, 255, 0, 0];
        files[`${folder}/${label}/${label} (${at})_mask.png`] = await grey(mask);
      }
    }
    files[`${folder}/benign/benign (4)_mask_1.png`] = await grey([0, 0, 0, 255]);
    const archive = await writeZip(join(root, "busi.zip"), files);
    await prepareData({ preset: "busi", archives: [archive], outputDir: join(root, "set") });
    const dataset = await open("set");
    expect(dataset.classNames).toEqual(["benign", "malignant", "normal"]);
    expect(dataset.maskClasses).toEqual(["background", "benign", "malignant"]);
    expect(dataset.notices).toContain("the masks of normal outline nothing: it is background to a segmenter");
    const samples = ["benign (4).png", "malignant (1).png", "normal (2).png"].map((name) => named(dataset, name));
    expect(samples[2]?.masks).toEqual([]);
    expect((await loaded(samples)).classes).toEqual([
      [0, 1, 0, 1],
      [0, 2, 0, 0],
      [0, 0, 0, 0],
    ]);
    // As a table of its own it says the same.
    put("set/again.csv", splitCsv(dataset));
    const again = await open("set/again.csv");
    expect(again.maskClasses).toEqual(dataset.maskClasses);
    expect(again.splits).toEqual(dataset.splits);
  });
});

test("several masks of an image in a folder of their class, numbered as in BUSI", async () => {
  put("images/a.png", await grey([1, 2, 3, 4]));
  put("masks/benign/a_mask.png", await grey([255, 0, 0, 0]));
  put("masks/benign/a_mask_1.png", await grey([0, 0, 255, 255]));
  const dataset = await open();
  expect(dataset).toMatchObject({ maskClasses: ["background", "benign"], leftOut: [] });
  expect(dataset.splits.train[0]?.masks).toHaveLength(2);
  expect((await loaded(dataset.splits.train)).classes).toEqual([[1, 0, 1, 1]]);
});

describe("volumes", () => {
  const volume = niftiFile([2, 2, 2], Uint8Array.from([9, 8, 7, 6, 5, 4, 3, 2]));
  const labels = niftiFile([2, 2, 2], Uint8Array.from([0, 5, 5, 5, 0, 0, 2, 0]));

  test("of a Decathlon folder: its numbers are classes, and slices of a volume are one group", async () => {
    for (const name of ["a", "b"]) {
      put(`imagesTr/${name}.nii`, volume);
      put(`labelsTr/${name}.nii`, labels);
    }
    const training = ["a", "b"].map((name) => ({ image: `imagesTr/${name}.nii`, label: `labelsTr/${name}.nii` }));
    put("dataset.json", JSON.stringify({ labels: { 0: "background", 2: "liver", 5: "tumour" }, training }));
    const dataset = await open();
    expect(dataset.maskClasses).toEqual(["background", "liver", "tumour"]);
    const samples = dataset.splits.train;
    const values = new Map([
      [0, 0],
      [2, 1],
      [5, 2],
    ]);
    expect(samples.map(({ item, masks }) => [item, masks])).toEqual(
      ["a", "a", "b", "b"].map((name, at) => [at % 2, [{ path: join(root, `labelsTr/${name}.nii`), values }]]),
    );
    const { classes, groups } = await loaded(samples);
    const counted = (of: number[]) => [0, 1, 2].map((label) => of.filter((value) => value === label).length);
    expect(classes.map(counted)).toEqual([
      [1, 0, 3],
      [3, 1, 0],
      [1, 0, 3],
      [3, 1, 0],
    ]);
    expect(groups).toEqual(["a", "a", "b", "b"].map((name) => `file ${join(root, `imagesTr/${name}.nii`)}`));
  });

  test("of an nnU-Net folder: what is to be ignored is no class", async () => {
    put("imagesTr/c_0000.nii", volume);
    put("labelsTr/c.nii", labels);
    const names = { background: 0, organ: 2, ignore: 5 };
    put("dataset.json", JSON.stringify({ labels: names, channel_names: { 0: "CT" }, file_ending: ".nii" }));
    const dataset = await open();
    expect(dataset).toMatchObject({ maskClasses: ["background", "organ"], leftOut: [] });
    const { classes } = await loaded(dataset.splits.train);
    expect(classes.map((own) => own.filter((value) => value === IGNORED).length)).toEqual([3, 0]);
    expect(classes.map((own) => own.filter((value) => value === 1).length)).toEqual([0, 1]);
  });
});

describe("a table in which some rows have no mask", () => {
  const table = async (rows: readonly string[]) => {
    for (const name of ["a", "b", "c"]) put(`${name}.png`, await grey([1, 2, 3, 4]));
    put("a-mask.png", await grey([255, 0, 0, 0]));
    put("b-mask.png", await grey([0, 0, 0, 0]));
    put("dataset.csv", ["path,label,mask", ...rows].join("\n"));
    return open();
  };

  test("tells of none that nothing is outlined, and of nothing that nobody knows", async () => {
    const dataset = await table(["a.png,sick,a-mask.png", "b.png,well,None", "c.png,other,"]);
    const [a, b, c] = ["a", "b", "c"].map((name) => named(dataset, `${name}.png`)) as [Sample, Sample, Sample];
    expect(dataset.maskClasses).toEqual(["background", "sick"]);
    expect([b.masks, c.masks]).toEqual([[], undefined]);
    expect((await loaded([a, b])).classes).toEqual([
      [1, 0, 0, 0],
      [0, 0, 0, 0],
    ]);
    await expect(loaded([a, b, c])).rejects.toThrow(/masks for every sample, got none for 1 of 3.*c\.png/);
    expect(splitCsv(dataset)).toBe(
      "path,label,split,mask\na.png,sick,train,a-mask.png\nb.png,well,train,none\nc.png,other,train,\n",
    );
  });

  test("takes the name of the background for none", async () => {
    const dataset = await table(["a.png,sick,a-mask.png", "b.png,background,"]);
    expect(named(dataset, "b.png").masks).toEqual([]);
    expect(splitCsv(dataset)).toContain("b.png,background,train,\n");
  });

  test("has no class whose masks are all empty, but one that is empty here and there", async () => {
    const mixed = await table(["a.png,sick,a-mask.png", "b.png,sick,b-mask.png", "c.png,well,b-mask.png"]);
    expect(mixed.maskClasses).toEqual(["background", "sick"]);
    expect(named(mixed, "b.png").masks).toHaveLength(1);
    expect(named(mixed, "c.png").masks).toEqual([]);
    put("c-mask.png", "no picture");
    const odd = await table(["a.png,sick,a-mask.png", "b.png,well,b-mask.png", "c.png,well,c-mask.png"]);
    expect(odd.maskClasses).toEqual(["background", "sick", "well"]);
    const none = await table(["a.png,sick,b-mask.png", "b.png,well,b-mask.png"]);
    expect(none.maskClasses).toEqual(["background", "sick", "well"]);
  });
});
