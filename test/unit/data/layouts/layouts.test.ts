import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import sharp from "sharp";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { splitData } from "../../../../src/curation/split-data.ts";
import { type Dataset, type DatasetOptions, openDataset, SPLITS, splitCsv } from "../../../../src/data/dataset.ts";
import { IGNORED } from "../../../../src/support/ignored.ts";
import { dicomFile, niftiFile } from "../../formats/volume-files.ts";

let root: string;
let cacheDir: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "msmae-layouts-"));
  cacheDir = mkdtempSync(join(tmpdir(), "msmae-cache-"));
});
afterEach(() => {
  rmSync(root, { recursive: true });
  rmSync(cacheDir, { recursive: true });
});

function put(path: string, content: string | Uint8Array = path): string {
  const target = join(root, path);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, content);
  return target;
}
const open = (path = "", options: Partial<DatasetOptions> = {}) =>
  openDataset(join(root, path), { seed: 1, valSplit: 0, testSplit: 0, cacheDir, ...options });
const names = (samples: { path: string }[]) => samples.map(({ path }) => relative(root, path));
const brief = ({ splits, classNames }: Dataset) =>
  SPLITS.flatMap((split) =>
    splits[split].map(({ path, label, item }) => [relative(root, path), classNames[label], item ?? null, split]),
  );
const fails = (promise: Promise<unknown>, message: RegExp, code = "Data") =>
  expect(promise).rejects.toMatchObject({ code, message: expect.stringMatching(message) });

describe("a CSV file", () => {
  beforeEach(() => {
    for (const name of ["a.png", "b.png", "c, d.png", "sub/e.png"]) put(name);
  });

  test("gives paths, labels, splits, groups and masks; as a file and as dataset.csv", async () => {
    put("a_mask.png");
    const table =
      'path,label,split,patient_id,note,mask\na.png,sick,train,p1,x,a_mask.png\n"c, d.png",well,val,p2,"say ""hi""",\nsub/e.png,well,Testing,p3,,\n';
    put("dataset.csv", table);
    put("other.csv", table);
    const dataset = await open();
    expect(dataset.layout).toBe("csv");
    expect(brief(dataset)).toEqual([
      ["a.png", "sick", null, "train"],
      ["c, d.png", "well", null, "val"],
      ["sub/e.png", "well", null, "test"],
    ]);
    expect(dataset.onDisk).toEqual(["train", "val", "test"]);
    expect(dataset.splits.train[0]).toMatchObject({
      group: "p1",
      masks: [{ path: join(root, "a_mask.png"), class: 1 }],
    });
    expect(dataset.splits.val[0]).not.toHaveProperty("masks");
    expect(dataset.maskClasses).toEqual(["background", "sick"]);
    expect((await open("other.csv")).splits).toEqual(dataset.splits);
  });

  test.each([
    ["semicolons and a byte order mark", "\uFEFFPath;Label\r\na.png;x\r\n\r\nb.png;y\r\n"],
    ["tabs", "path\tlabel\na.png\tx\nb.png\ty\n"],
    ["UTF-16", Buffer.from("\uFEFFpath,label\na.png,x\nb.png,y\n", "utf16le")],
    ["Windows paths", "path,label\n.\\a.png,x\n.\\b.png,y\n"],
  ])("is read with %s", async (_, table) => {
    put("t.csv", table);
    expect(brief(await open("t.csv"))).toEqual([
      ["a.png", "x", null, "train"],
      ["b.png", "y", null, "train"],
    ]);
  });

  test("names every faulty row by its line", async () => {
    put(
      "t.csv",
      "path,label,split,slice\na.png,x,train,\ngone.png,x,train,\nb.png,,train,\na.png,x,train,\nb.png,y,middle,\nb.png,y,train,-1\n,y,train,\na.png,x\nsub/e.png,y,,\n",
    );
    const message = await open("t.csv").catch(String);
    for (const part of [
      "1 of 4 files are not there, looked for from",
      "gone.png (line 3)",
      "line 4: no label",
      "line 5: a.png again, as in line 2",
      'line 6: split "middle"',
      'line 7: slice "-1"',
      "line 8: no path",
      "line 9: 2 fields instead of 4",
      "line 10: no split",
    ]) {
      expect(message).toContain(part);
    }
  });

  test("names a bounded number of faults", async () => {
    put("t.csv", `path,label\n${Array.from({ length: 50 }, (_, at) => `gone${at}.png,x`).join("\n")}\n`);
    await fails(open("t.csv"), /50 of 50 files are not there.* gone4\.png \(line 6\), …/);
    put("t.csv", `path,label,split\n${"a.png,x,middle\n".repeat(50)}`);
    await fails(open("t.csv"), /line 21: split "middle".*; and \d+ more/);
  });

  test.each([
    ["no header", "a.png,x\n", /a header with path and label/],
    ["a column twice", "path,label,label\na.png,x,x\n", /label twice/],
    ["no rows", "path,label\n", /a row for each image, got none/],
    ["an open quote", 'path,label\n"a.png,x\n', /CSV/],
    ["no labels", "path,label\na.png,\nb.png,\n", /no row has a label/],
    ["one class", "path,label\na.png,x\n", /one class only/],
    ["a slice and the whole of a file", "path,label,slice\na.png,x,0\na.png,x,\n", /takes whole/],
    ["a slice that is not there", "path,label,slice\na.png,x,1\nb.png,y,\n", /a slice from 0 to 0, got 1/],
  ])("with %s is a Data error", async (_, table, message) => {
    put("t.csv", table);
    await fails(open("t.csv"), message);
  });

  test("never draws a patient or a lesion apart, also not by way of each other", async () => {
    const rows = Array.from({ length: 120 }, (_, at) => {
      put(`i/${at}.png`);
      // Lesion l<n> joins patients 2n and 2n + 1.
      const patient = at % 3 === 2 ? "" : `p${Math.floor(at / 3)}`;
      return `i/${at}.png,${Math.floor(at / 12) % 2 ? "x" : "y"},${patient},l${Math.floor(at / 6)}`;
    });
    put("t.csv", `path,label,patient_id,lesion_id\n${rows.join("\n")}\n`);
    const { splits, groupedBy } = await open("t.csv", { testSplit: 0.2, valSplit: 0.2 });
    expect(groupedBy).toBe("patient_id");
    const blocks = SPLITS.map(
      (split) => new Set(names(splits[split]).map((name) => Math.floor(Number.parseInt(name.slice(2), 10) / 6))),
    );
    expect(blocks.reduce((sum, set) => sum + set.size, 0)).toBe(20);
    expect(SPLITS.map((split) => splits[split].length)).toEqual([72, 24, 24]);
  });

  test("a file of another kind, and one that is not there, are Data errors", async () => {
    await fails(open("a.png"), /a folder or a CSV file/);
    await fails(open("gone.csv"), /a readable folder or CSV file/);
  });
});

/** Voxels [4, 3, depth]; each slice has the given numbers of pixels of values 1 and 2. */
function labelVolume(slices: readonly (readonly [number, number])[]): Uint8Array {
  const voxels = new Uint8Array(12 * slices.length);
  for (const [z, [ones, twos]] of slices.entries()) {
    voxels.fill(1, 12 * z, 12 * z + ones).fill(2, 12 * z + ones, 12 * z + ones + twos);
  }
  return niftiFile([4, 3, slices.length], voxels);
}
const MASK = [
  [0, 0],
  [3, 1],
  [2, 5],
  [1, 1],
] as const;

describe("a Decathlon folder", () => {
  beforeEach(() => {
    put("imagesTr/a.nii.gz", niftiFile([4, 3, 4, 2], new Uint8Array(96)));
    put("labelsTr/a.nii.gz", labelVolume(MASK));
    const training = [{ image: "./imagesTr/a.nii.gz", label: "./labelsTr/a.nii.gz" }];
    const labels = { 2: "tumour", 0: "background", 1: "liver" };
    put(
      "dataset.json",
      JSON.stringify({ labels, training, test: ["./imagesTs/b.nii.gz"], modality: { 0: "T1", 1: "T2" } }),
    );
  });

  test("gives the slices of the first channel, each with the class of its largest label", async () => {
    const dataset = await open();
    expect(dataset.classNames).toEqual(["background", "liver", "tumour"]);
    expect(brief(dataset).map(([, name, item]) => [name, item])).toEqual([
      ["background", 0],
      ["liver", 1],
      ["tumour", 2],
      ["liver", 3],
    ]);
    const values = new Map([0, 1, 2].map((value) => [value, value]));
    for (const { masks } of dataset.splits.train) {
      expect(masks).toEqual([{ path: join(root, "labelsTr/a.nii.gz"), values }]);
    }
    expect(dataset.maskClasses).toEqual(dataset.classNames);
    expect(dataset.notices.join()).toMatch(/1 images under "test".*first one \(T1\)/);
  });

  test("takes slices by a rule and along an axis", async () => {
    const items = async (options: Partial<DatasetOptions>) =>
      (await open("", options)).splits.train.map(({ item }) => item);
    expect(await items({ slices: "largest-label" })).toEqual([2]);
    expect(await items({ slices: "every:3" })).toEqual([0, 3]);
    expect(await items({ sliceAxis: "coronal" })).toEqual([0, 1, 2]);
    expect(await items({ sliceAxis: "sagittal", slices: "range:1-2" })).toEqual([1, 2]);
  });

  test("never parts the slices of one volume", async () => {
    await fails(open("", { valSplit: 0.25 }), /one patient, lesion or file for all 4 pictures/);
  });

  test("missing files and masks of another depth are Data errors", async () => {
    put("labelsTr/a.nii.gz", labelVolume(MASK.slice(1)));
    await fails(open(), /4×3×3 voxels, without a common place in the body, for 4×3×4 of the image/);
    rmSync(join(root, "labelsTr/a.nii.gz"));
    await fails(open(), /no label file .*labelsTr\/a\.nii\.gz/);
    put("dataset.json", '{"labels": {"0": "background"}}');
    await fails(open(), /pairs under training, got none/);
    put("dataset.json", "{");
    await fails(open(), /the description of a Decathlon/);
    put("dataset.json", '{"labels": {"1": "x", "2": "y"}, "training": ["a"]}');
    await fails(open(), /no label 0/);
    put("dataset.json", '{"labels": {"0": "none", "1": "Tumour", "2": "tumour "}, "training": ["a"]}');
    await fails(open(), /a name for each label, got .*"Tumour" \(label 1\), "tumour " \(label 2\)/);
    put("dataset.json", '{"labels": {"0": "none", "1": "x", "2": "x"}, "training": ["a"]}');
    await fails(open(), /one name for several labels/);
  });
});

describe("an nnU-Net folder", () => {
  const labels = { background: 0, liver: 1, tumour: 2, ignore: 3 };
  beforeEach(() => {
    for (const channel of ["0000", "0001"])
      put(`imagesTr/c1_${channel}.nii.gz`, niftiFile([4, 3, 4], new Uint8Array(48)));
    put("labelsTr/c1.nii.gz", labelVolume(MASK));
    put(
      "dataset.json",
      JSON.stringify({ labels, channel_names: { 0: "CT", 1: "PET" }, numTraining: 1, file_ending: ".nii.gz" }),
    );
  });

  test("gives the first channel's slices, and imagesTs as test where labelsTs is there", async () => {
    const dataset = await open("", { slices: "range:1-2" });
    expect(dataset.layout).toBe("nnunet");
    expect(brief(dataset)).toEqual([
      ["imagesTr/c1_0000.nii.gz", "liver", 1, "train"],
      ["imagesTr/c1_0000.nii.gz", "tumour", 2, "train"],
    ]);
    put("imagesTs/t_0000.nii.gz", niftiFile([4, 3, 4], new Uint8Array(48)));
    expect((await open()).notices.join()).toContain("imagesTs has no labels");
    put("labelsTs/t.nii.gz", labelVolume(MASK));
    const tested = await open("", { slices: "first" });
    expect(brief(tested).map(([path, , , split]) => [path, split])).toEqual([
      ["imagesTr/c1_0000.nii.gz", "train"],
      ["imagesTs/t_0000.nii.gz", "test"],
    ]);
  });

  test("cases without their other half are left out; none with both, and labels that overlap, are Data errors", async () => {
    put("imagesTr/c2_0000.nii.gz");
    put("labelsTr/c3.nii.gz");
    const { leftOut, splits } = await open();
    expect(leftOut.map(({ path, reason }) => `${relative(root, path)}: ${reason.replaceAll(root, "")}`)).toEqual([
      "imagesTr/c2_0000.nii.gz: no label file /labelsTr/c2.nii.gz",
      "labelsTr/c3.nii.gz: no image file /imagesTr/c3_0000.nii.gz",
    ]);
    expect(splits.train).toHaveLength(4);
    await fails(open("", { strict: true }), /every file to be in order.*c2_0000.*c3\.nii\.gz/);
    rmSync(join(root, "labelsTr/c1.nii.gz"));
    await fails(open(), /an image and a label file for each case.*c1_0000/);
    put("dataset.json", JSON.stringify({ labels: { background: 0, whole: [1, 2] }, file_ending: ".nii.gz" }));
    await fails(open(), /one number for each name, got whole: \[1,2\]/);
  });
});

describe("values of masks", () => {
  const description = (labels: Record<string, number>) =>
    put("dataset.json", JSON.stringify({ labels, channel_names: { 0: "CT" }, file_ending: ".nii" }));
  beforeEach(() => {
    for (const name of ["c1", "c2"]) put(`imagesTr/${name}_0000.nii`, niftiFile([4, 3, 4], new Uint8Array(48)));
    put("labelsTr/c1.nii", labelVolume(MASK));
  });

  test("without a name cost their own case, unless they are those that nobody has judged", async () => {
    const voxels = new Uint8Array(48).fill(7, 24, 30);
    put("labelsTr/c2.nii", niftiFile([4, 3, 4], voxels));
    description({ background: 0, liver: 1, tumour: 2 });
    const { leftOut, splits } = await open();
    expect(splits.train).toHaveLength(4);
    expect(leftOut).toMatchObject([
      { reason: expect.stringMatching(/a name \(0, 1, 2\), got 7, in 6 pixels of slice 2/) },
    ]);
    for (const name of ["c3", "c4", "c5"]) {
      put(`imagesTr/${name}_0000.nii`, niftiFile([4, 3, 4], new Uint8Array(48)));
      put(`labelsTr/${name}.nii`, niftiFile([4, 3, 4], name === "c5" ? new Uint8Array(48) : voxels));
    }
    await fails(open(), /got .*labelsTr\/c2\.nii.*labelsTr\/c4\.nii: expected labels that have a name/);
    for (const name of ["c3", "c4", "c5"]) rmSync(join(root, `labelsTr/${name}.nii`));
    for (const name of ["c3", "c4", "c5"]) rmSync(join(root, `imagesTr/${name}_0000.nii`));
    description({ background: 0, liver: 1, tumour: 2, ignore: 7 });
    const judged = await open();
    expect(judged).toMatchObject({ leftOut: [], splits: { train: { length: 8 } } });
    const values = new Map(Object.entries({ 0: 0, 1: 1, 2: 2, 7: IGNORED }).map(([value, of]) => [Number(value), of]));
    expect(judged.splits.train[7]?.masks).toEqual([{ path: join(root, "labelsTr/c2.nii"), values }]);
  });

  test("that are no numbers are no labels", async () => {
    const file = niftiFile([4, 3, 4], new Uint8Array(48 * 4));
    const view = new DataView(file.buffer);
    view.setInt16(70, 16, true);
    view.setInt16(72, 32, true);
    view.setFloat32(352, Number.NaN, true);
    view.setFloat32(352 + 12 * 4, 1, true);
    put("labelsTr/c2.nii", file);
    description({ background: 0, liver: 1, tumour: 2 });
    const { leftOut, splits } = await open();
    expect(leftOut).toEqual([]);
    expect(splits.train.slice(4).map(({ label }) => label)).toEqual([0, 1, 0, 0]);
  });
});

describe("images beside masks", () => {
  const mask = (area: number) =>
    sharp(new Uint8Array(16).fill(255, 0, area), { raw: { width: 4, height: 4, channels: 1 } })
      .png()
      .toBuffer();

  test("an image's class is its largest mask, or background", async () => {
    for (const name of ["a.jpg", "b.jpg", "c.jpg", "d.jpg"]) put(`images/${name}`);
    put("masks/polyp/a.png", await mask(3));
    put("masks/ulcer/a_segmentation.png", await mask(5));
    put("masks/polyp/b.png", await mask(1));
    put("masks/polyp/c.png", await mask(0));
    const dataset = await open();
    expect(dataset.classNames).toEqual(["background", "polyp", "ulcer"]);
    expect(brief(dataset).map(([path, name]) => [path, name])).toEqual([
      ["images/a.jpg", "ulcer"],
      ["images/b.jpg", "polyp"],
      ["images/c.jpg", "background"],
      ["images/d.jpg", "background"],
    ]);
    expect(dataset.maskClasses).toEqual(["background", "polyp", "ulcer"]);
    // The largest first, so that what lies within it stays to be seen; empty ones outline nothing.
    expect(dataset.splits.train.map(({ masks }) => masks)).toEqual([
      [
        { path: join(root, "masks/ulcer/a_segmentation.png"), class: 2, light: true },
        { path: join(root, "masks/polyp/a.png"), class: 1, light: true },
      ],
      [{ path: join(root, "masks/polyp/b.png"), class: 1, light: true }],
      [],
      [],
    ]);
    put("masks/polyp/z.png", await mask(1));
    put("masks/polyp/d.png", "no picture");
    const odd = await open();
    expect(odd.splits.train).toHaveLength(3);
    expect(odd.leftOut.map(({ path }) => relative(root, path))).toEqual(["masks/polyp/z.png", "images/d.jpg"]);
    expect(odd.leftOut[0]?.reason).toBe("a mask without an image");
    await fails(open("", { strict: true }), /every file to be in order.*z\.png.*d\.jpg/);
  });

  test("masks of one kind only are one class, which is enough where no classes are needed", async () => {
    put("images/a.jpg");
    put("masks/a.png", await mask(2));
    await fails(open(), /one class only \(lesion\)/);
    const { classNames, maskClasses } = await open("", { oneClass: true });
    expect({ classNames, maskClasses }).toEqual({ classNames: ["lesion"], maskClasses: ["background", "lesion"] });
  });

  test("a class that is never an image's largest is one that masks outline", async () => {
    for (const name of ["a.jpg", "b.jpg"]) put(`images/${name}`);
    put("masks/polyp/a.png", await mask(6));
    put(
      "masks/instrument/a.png",
      await sharp(new Uint8Array(16).fill(1, 0, 2), { raw: { width: 4, height: 4, channels: 1 } })
        .png()
        .toBuffer(),
    );
    const dataset = await open();
    expect(dataset.classNames).toEqual(["background", "polyp"]);
    expect(dataset.maskClasses).toEqual(["background", "instrument", "polyp"]);
    expect(dataset.splits.train[0]?.masks?.map((of) => ({ ...of, path: relative(root, of.path) }))).toEqual([
      { path: "masks/polyp/a.png", class: 2, light: true },
      { path: "masks/instrument/a.png", class: 1, light: false },
    ]);
  });
});

describe("split folders", () => {
  const image = () =>
    sharp({ create: { width: 4, height: 4, channels: 3, background: "white" } })
      .png()
      .toBuffer();

  test("bear the names that published data sets give them, in any case", async () => {
    for (const split of ["Training", "valid", "TESTING"]) for (const name of ["x", "y"]) put(`${split}/${name}/1.png`);
    const dataset = await open();
    expect(dataset.onDisk).toEqual(["train", "val", "test"]);
    expect(brief(dataset)).toEqual([
      ["Training/x/1.png", "x", null, "train"],
      ["Training/y/1.png", "y", null, "train"],
      ["valid/x/1.png", "x", null, "val"],
      ["valid/y/1.png", "y", null, "val"],
      ["TESTING/x/1.png", "x", null, "test"],
      ["TESTING/y/1.png", "y", null, "test"],
    ]);
  });

  test("two folders of one split are refused", async () => {
    for (const split of ["train", "Training"]) for (const name of ["x", "y"]) put(`${split}/${name}/1.png`);
    await fails(open(), /one folder of split train, got Training and train/);
  });

  test("hold images beside masks as well", async () => {
    for (const split of ["train", "test"]) {
      put(`${split}/images/1.png`, await image());
      put(`${split}/images/2.png`, await image());
      put(`${split}/masks/polyp/2.png`, await image());
    }
    const dataset = await open();
    expect({ layout: dataset.layout, onDisk: dataset.onDisk }).toEqual({ layout: "masks", onDisk: ["train", "test"] });
    expect(brief(dataset)).toEqual([
      ["train/images/1.png", "background", null, "train"],
      ["train/images/2.png", "polyp", null, "train"],
      ["test/images/1.png", "background", null, "test"],
      ["test/images/2.png", "polyp", null, "test"],
    ]);
  });
});

describe("class folders of DICOM studies", () => {
  beforeEach(() => {
    for (let at = 0; at < 12; at++) {
      const folder = `${at % 2 ? "sick" : "well"}/study${at}`;
      put(`${folder}/IM0001`, dicomFile(`NAME-${at >> 2}-${at % 2}`, 3));
      put(`${folder}/1.2.840.${at}`, dicomFile(`NAME-${at >> 2}-${at % 2}`));
      put(`${folder}/report`, dicomFile(`NAME-${at}`, 1, { pixels: false }));
      put(`${folder}/README`, "no image");
      put(`${folder}/DICOMDIR`, "no image");
    }
  });

  test("are found by their content, frame by frame, and split by patient", async () => {
    const dataset = await open("", { testSplit: 0.34 });
    expect(dataset.ignoredFiles).toBe(36);
    const { train, test: held } = dataset.splits;
    expect([train.length, held.length]).toEqual([32, 16]);
    expect(train.slice(0, 4).map(({ item }) => item)).toEqual([undefined, 0, 1, 2]);
    const patients = (samples: typeof train) => new Set(samples.map(({ group }) => group));
    expect([patients(train).size, patients(held).size, patients([...train, ...held]).size]).toEqual([4, 2, 6]);
    expect([...patients(train)].every((group) => /^[0-9a-f]{12}$/.test(group as string))).toBe(true);
  });

  test("without groups only the frames of one file stay together", async () => {
    const { splits, groupedBy } = await open("", { testSplit: 0.5, group: "none" });
    expect(groupedBy).toBeUndefined();
    const files = SPLITS.map((split) => new Set(names(splits[split])));
    expect(files.reduce((sum, set) => sum + set.size, 0)).toBe(24);
  });

  test("split.csv names no patient, and leads back to the same splits", async () => {
    const dataset = await open("", { testSplit: 0.34 });
    const table = splitCsv(dataset);
    expect(table).not.toContain("NAME");
    expect(table).toMatch(/^path,label,split,slice,patient_id\n/);
    const again = await open("", { splitFile: put("kept.csv", table), seed: 99, testSplit: 0.5 });
    expect(again.splits).toEqual(dataset.splits);
    expect((await open("kept.csv")).splits).toEqual(dataset.splits);
  });
});

describe("splitData", () => {
  beforeEach(() => {
    for (let at = 0; at < 30; at++) put(`data/${at % 3 ? "a" : "b"}/${at}.png`);
  });
  const dataPath = () => join(root, "data");

  test("writes splits that open as a data set and as a split file", async () => {
    const output = join(root, "out/splits.csv");
    const result = await splitData({ dataPath: dataPath(), seed: 4, output });
    expect(result).toMatchObject({ path: output, splits: { train: 21, val: 3, test: 6 }, groups: 30 });
    expect(result.classCounts.test).toEqual({ a: 4, b: 2 });
    const opened = await open("out/splits.csv");
    expect(opened.splits).toEqual((await openDataset(dataPath(), { seed: 4, cacheDir })).splits);
    expect((await open("data", { splitFile: output })).splits).toEqual(opened.splits);
  });

  test("makes folds, of which one is chosen as val", async () => {
    const result = await splitData({
      dataPath: dataPath(),
      seed: 4,
      output: join(root, "out"),
      folds: 3,
      testSplit: 0.2,
    });
    expect(result.path).toBe(join(root, "out/splits.csv"));
    expect(result.folds?.map(({ samples }) => samples)).toEqual([8, 8, 8]);
    const folds = await Promise.all([0, 1, 2].map((fold) => open("data", { splitFile: result.path, fold })));
    expect(new Set(folds.flatMap(({ splits }) => names(splits.val))).size).toBe(24);
    for (const { splits } of folds) {
      expect([splits.train.length, splits.val.length, splits.test.length]).toEqual([16, 8, 6]);
      expect(splits.test).toEqual(folds[0]?.splits.test);
      expect(new Set(names([...splits.train, ...splits.val, ...splits.test])).size).toBe(30);
    }
    await fails(open("data", { splitFile: result.path, fold: 3 }), /one of the folds 0, 1, 2, got 3/, "Config");
    expect((await open("out/splits.csv")).notices.join()).toContain("--fold");
  });

  test("a split file of other images, classes or rows is a Data error; images it leaves out are noticed", async () => {
    put("s.csv", "path,label,split\na/1.png,b,train\nx.png,a,val\na/2.png,a,val\na/2.png,a,val\n");
    await fails(
      open("data", { splitFile: join(root, "s.csv") }),
      /1 of 3 images are not in the data set .*: x\.png \(line 3\); line 2: class b.*line 5: a\/2\.png again/,
    );
    put("s.csv", "path,label,split\na/1.png,a,train\nb/0.png,b,val\n");
    const dataset = await open("data", { splitFile: join(root, "s.csv") });
    expect(names(dataset.splits.val)).toEqual(["data/b/0.png"]);
    expect(dataset.notices.join()).toContain("28 images");
    await fails(open("data", { fold: 0 }), /a column fold/);
  });

  test.each([0, 1, 2.5])("%d folds are a Config error", async (folds) => {
    await fails(splitData({ dataPath: dataPath(), seed: 0, output: root, folds }), /folds/, "Config");
  });

  test("more folds than images are a Data error", async () => {
    await fails(splitData({ dataPath: dataPath(), seed: 0, output: root, folds: 31 }), /at least 31 images/);
  });
});
