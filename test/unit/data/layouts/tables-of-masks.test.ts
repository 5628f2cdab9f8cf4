import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Dataset, type DatasetOptions, openDataset, splitCsv } from "../../../../src/data/dataset.ts";
import { niftiFile } from "../../formats/volume-files.ts";
import { allOf, grey, loaded, named } from "./masked-sets.ts";

let root: string;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "msmae-tables-of-masks-"));
  for (const name of ["a", "b", "c", "d"]) put(`${name}.png`, await grey([1, 2, 3, 4]));
  put("one.png", await grey([255, 0, 0, 0]));
  put("two.png", await grey([0, 0, 255, 255]));
  put("three.png", await grey([255, 255, 255, 0]));
  put("empty.png", await grey([0, 0, 0, 0]));
});
afterEach(() => rmSync(root, { recursive: true }));

function put(path: string, content: string | Uint8Array): string {
  const target = join(root, path);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, content);
  return target;
}
const table = (rows: readonly string[], name = "t.csv") => put(name, `${rows.join("\n")}\n`);
/** As a verb opens it that needs classes of whole images. */
const classes = (rows: readonly string[], options: Partial<DatasetOptions> = {}) =>
  openDataset(table(rows), { seed: 1, valSplit: 0, testSplit: 0, cacheDir: join(root, "cache"), ...options });
/** As a verb opens it that takes masks. */
const masks = (rows: readonly string[], options: Partial<DatasetOptions> = {}) =>
  classes(rows, { oneClass: true, ...options });
const labelOf = (dataset: Dataset, name: string) => dataset.classNames[named(dataset, name).label];
const masksOf = (dataset: Dataset, name: string) => named(dataset, name).masks?.map(({ path }) => relative(root, path));
const fails = (opening: Promise<unknown>, message: RegExp) =>
  expect(opening).rejects.toMatchObject({ code: "Data", message: expect.stringMatching(message) });

describe("a table of masks without labels", () => {
  const rows = ["path,mask,patient_id,split", "a.png,one.png,p,train", "b.png,None,q,val", "c.png,two.png,r,train"];

  test("outlines lesions, and its images are of that class, or background where nothing is outlined", async () => {
    const dataset = await masks(rows);
    expect(dataset).toMatchObject({ classNames: ["background", "lesion"], maskClasses: ["background", "lesion"] });
    expect(["a.png", "b.png", "c.png"].map((name) => labelOf(dataset, name))).toEqual([
      "lesion",
      "background",
      "lesion",
    ]);
    expect(dataset.splits.val).toEqual([named(dataset, "b.png")]);
    expect(named(dataset, "c.png").group).toBe("r");
    const { classes: own } = await loaded(["a.png", "b.png", "c.png"].map((name) => named(dataset, name)));
    expect(own).toEqual([
      [1, 0, 0, 0],
      [0, 0, 0, 0],
      [0, 0, 1, 1],
    ]);
    const again = await masks(splitCsv(dataset).trim().split("\n"));
    expect([again.classNames, again.maskClasses, again.splits]).toEqual([
      dataset.classNames,
      dataset.maskClasses,
      dataset.splits,
    ]);
  });

  test("may have a column of labels that is empty, or that is told to be none", async () => {
    expect((await masks(["path,label,mask", "a.png,,one.png"])).maskClasses).toEqual(["background", "lesion"]);
    const told = await masks(["path,label,mask", "a.png,x,one.png"], { columns: "label=" });
    expect(told.classNames).toEqual(["lesion"]);
  });

  test("is refused where classes are needed, and it is said who takes it", async () => {
    await fails(
      classes(rows),
      /a header with path and label \(label may be called labels, [^)]*\), got columns "path", "mask", "patient_id", "split".*--columns label=NAME; msmae segment needs no labels, it takes the table for its masks$/,
    );
    await fails(classes(["path,label,mask", "a.png,,one.png"]), /got no row has a label;/);
    const other = await classes(["path,note", "a.png,x"]).catch(String);
    expect(other).toContain("--columns label=NAME");
    expect(other).not.toContain("segment");
  });

  test("without masks either is refused", async () => {
    await fails(
      masks(["path,note", "a.png,x"]),
      /a header with path and label, or with path and mask \(label may be called .*; mask may be called maskpath, maskfile\)/,
    );
    await fails(masks(["path,mask", "a.png,", "b.png,"]), /got no row has a label or a mask;/);
    await fails(
      masks(["path,mask", "a.png,one.png", "b.png,"]),
      /got line 3: no mask, which other rows have \(write none where there is nothing to outline\);/,
    );
  });

  test("is another thing than one in which some labels are missing", async () => {
    const partly = await masks(["path,label,mask", "a.png,cyst,one.png", "b.png,,none"]);
    expect(labelOf(partly, "b.png")).toBe("background");
    expect(partly.maskClasses).toEqual(["background", "cyst"]);
    const rest = ["path,label,mask", "a.png,cyst,one.png", "b.png,,two.png"];
    await fails(masks(rest), /got line 3: no label, which other rows have \(write unlabelled where nobody knows it\);/);
  });
});

describe("rows of one picture", () => {
  test("give it all their masks", async () => {
    const rows = ["path,label,mask", "a.png,benign,one.png", "b.png,well,none", "a.png,benign,two.png"];
    for (const opened of [await masks(rows), await classes(rows)]) {
      expect(allOf(opened)).toHaveLength(2);
      expect(masksOf(opened, "a.png")).toEqual(["one.png", "two.png"]);
      expect((await loaded([named(opened, "a.png")])).classes).toEqual([[1, 0, 1, 1]]);
    }
    const unlabelled = await masks(["path,mask", "a.png,one.png", "a.png,two.png"]);
    expect((await loaded(allOf(unlabelled))).classes).toEqual([[1, 0, 1, 1]]);
  });

  test("may outline several classes, of which the largest is the picture's and the smaller ones stay to be seen", async () => {
    const rows = ["path,label,mask", "a.png,tumour,one.png", "a.png,liver,three.png", "b.png,tumour,two.png"];
    const dataset = await masks(rows);
    expect(dataset.maskClasses).toEqual(["background", "liver", "tumour"]);
    expect(masksOf(dataset, "a.png")).toEqual(["three.png", "one.png"]);
    expect(labelOf(dataset, "a.png")).toBe("liver");
    expect((await loaded([named(dataset, "a.png")])).classes).toEqual([[2, 1, 1, 0]]);
    await fails(
      classes(rows),
      /got line 3: a\.png has class liver, but tumour in line 2: only segmentation takes masks of several classes in one image;/,
    );
    const emptied = await masks(["path,label,mask", "a.png,well,empty.png", "a.png,cyst,one.png"]);
    expect(emptied.maskClasses).toEqual(["background", "cyst"]);
    expect([labelOf(emptied, "a.png"), masksOf(emptied, "a.png")]).toEqual(["cyst", ["one.png"]]);
  });

  test("hold for the slice that they name", async () => {
    put("v.nii", niftiFile([2, 2, 2], Uint8Array.from([9, 8, 7, 6, 5, 4, 3, 2])));
    put("left.nii", niftiFile([2, 2, 2], Uint8Array.from([1, 0, 0, 0, 1, 0, 0, 0])));
    put("right.nii", niftiFile([2, 2, 2], Uint8Array.from([0, 0, 0, 0, 0, 1, 1, 0])));
    const dataset = await masks(["path,slice,mask", "v.nii,1,left.nii", "v.nii,0,left.nii", "v.nii,1,right.nii"]);
    expect(allOf(dataset).map(({ item, masks: own }) => [item, own?.length])).toEqual([
      [1, 2],
      [0, 1],
    ]);
    const { classes: own } = await loaded(allOf(dataset));
    expect(own.map((pixels) => pixels.filter((pixel) => pixel === 1).length)).toEqual([3, 1]);
  });

  test("may not contradict each other, nor say a thing twice", async () => {
    const head = "path,mask,split,patient_id,fold";
    const pair = (first: string, second: string) => masks([head, `a.png,one.png,${first}`, `a.png,${second}`]);
    await fails(pair("train,p,", "two.png,val,p,"), /got line 3: a\.png has split val, but train in line 2;/);
    await fails(pair("train,p,", "two.png,train,q,"), /got line 3: a\.png has patient q, but p in line 2;/);
    await fails(pair("train,p,0", "two.png,train,p,1"), /got line 3: a\.png has fold 1, but 0 in line 2;/);
    await fails(pair("train,p,", "one.png,train,p,"), /got line 3: a\.png again, as in line 2;/);
    await fails(pair("train,p,", "./one.png,train,p,"), /got line 3: a\.png again, as in line 2;/);
    await fails(pair("train,p,", "none,train,p,"), /got line 3: a\.png again, as in line 2;/);
    await fails(masks(["path,mask", "a.png,none", "a.png,one.png"]), /got line 3: a\.png again, as in line 2;/);
    const said = await pair("train,,", "two.png,train,q,");
    expect(allOf(said)).toMatchObject([{ group: "q", masks: [{}, {}] }]);
  });

  test("join the lesions that they name", async () => {
    const rows = [
      "path,mask,lesion_id",
      "a.png,one.png,l1",
      "a.png,two.png,l2",
      "b.png,one.png,l2",
      "c.png,one.png,l3",
    ];
    const { splits, groupedBy } = await masks(rows);
    expect(groupedBy).toBe("lesion_id");
    const [a, b, c] = splits.train.map(({ group }) => group);
    expect(a).toBe(b);
    expect(a).not.toBe(c);
  });
});

describe("a split file", () => {
  const rows = [
    "path,label,mask",
    "a.png,tumour,one.png",
    "a.png,liver,three.png",
    "b.png,liver,two.png",
    "c.png,well,none",
  ];

  test("may be such a table", async () => {
    const splitRows = ["path,label,mask,split", "a.png,tumour,one.png,val", "a.png,liver,three.png,val"];
    const splitFile = table([...splitRows, "b.png,liver,two.png,train", "c.png,well,none,train"], "s.csv");
    const { splits } = await masks(rows, { splitFile });
    expect([splits.train, splits.val].map((own) => own.map((sample) => sample.masks?.length))).toEqual([[1, 0], [2]]);
    const renamed = table([...splitRows, "b.png,tumour,two.png,train"], "s.csv");
    await fails(masks(rows, { splitFile: renamed }), /line 4: class tumour, but liver in the data set/);
  });

  test("may not put one picture into two splits, nor name it twice", async () => {
    const twice = (second: string) =>
      masks(rows, { splitFile: table(["path,mask,split", "a.png,one.png,val", second], "s.csv") });
    await fails(twice("a.png,three.png,train"), /got line 3: a\.png has split train, but val in line 2;/);
    await fails(twice("a.png,,val"), /got line 3: a\.png again, as in line 2;/);
    await fails(twice("a.png,none,val"), /got line 3: a\.png again, as in line 2;/);
  });
});

describe("masks that hold several values", () => {
  const told = async (values: readonly number[], open = masks) => {
    put("m.png", await grey(values));
    const rows = ["path,label,mask", "a.png,cyst,one.png", "b.png,cyst,m.png", "c.png,well,none"];
    return (await open(rows)).notices.filter((notice) => notice.includes("values"));
  };

  test("are told where they look like numbers of classes", async () => {
    expect(await told([0, 3, 1, 2])).toEqual([
      "m.png holds the values 1, 2, 3: all count as cyst; for a class of each value list the masks in a dataset.json, or give each class its own mask (docs/data/datasets.md)",
    ]);
    expect((await told([0, 1, 2, 255])).join()).toMatch(/^m\.png holds the values 1, 2, 255: only 255 counts as cyst;/);
    expect((await told([1, 2, 3, 4, 5, 6, 7, 8, 9, 0])).join()).toMatch(/the values 1, 2, 3, 4, 5, 6, 7, 8, …: all/);
    put("v.nii", niftiFile([2, 2, 2], new Uint8Array(8)));
    put("labels.nii", niftiFile([2, 2, 2], Uint8Array.from([0, 0, 1, 0, 0, 2, 0, 0])));
    expect((await masks(["path,mask", "v.nii,labels.nii"])).notices).toContainEqual(
      expect.stringMatching(/^labels\.nii holds the values 1, 2: all count as lesion;/),
    );
  });

  test("are not where they are outlines, soft ones too, nor where classes of whole images are asked for", async () => {
    expect(await told([0, 1, 1, 0])).toEqual([]);
    expect(await told([0, 3, 2, 255, 254, 1])).toEqual([]);
    expect(await told([0, 127, 255, 255])).toEqual([]);
    expect(await told([0, 3, 1, 2], classes)).toEqual([]);
  });

  test("are label maps where a dataset.json names their values", async () => {
    put("labels.png", await grey([0, 3, 1, 255]));
    const labels = { 0: "background", 1: "liver", 3: "tumour" };
    const described = { labels, training: [{ image: "a.png", label: "labels.png" }] };
    put("dataset.json", JSON.stringify(described));
    const open = () =>
      openDataset(root, { seed: 1, valSplit: 0, testSplit: 0, oneClass: true, cacheDir: join(root, "c") });
    await fails(open(), /255, in 1 pixels of slice 0/);
    put("labels.png", await grey([0, 3, 1, 0, 1, 1]));
    put("a.png", await grey([1, 2, 3, 4, 5, 6]));
    const dataset = await open();
    expect(dataset.maskClasses).toEqual(["background", "liver", "tumour"]);
    expect((await loaded(dataset.splits.train, 3)).classes).toEqual([[0, 2, 1, 0, 1, 1]]);
  });
});
