import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { resolveConfig, verbs } from "../../../../src/config/index.ts";
import { type DatasetOptions, openDataset, tellNotices } from "../../../../src/data/dataset.ts";
import { isEncoding, tableText } from "../../../../src/data/tables/text.ts";
import type { RunEvent } from "../../../../src/support/events.ts";

let root: string;
let cacheDir: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "msmae-tables-"));
  cacheDir = join(root, ".cache");
  for (const at of [0, 1, 2, 3, 4, 5]) put(`img/${at}.png`);
});
afterEach(() => rmSync(root, { recursive: true }));

function put(path: string, content: string | Uint8Array = path): string {
  const target = join(root, path);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, content);
  return target;
}
const open = (path = "t.csv", options: Partial<DatasetOptions> = {}) =>
  openDataset(join(root, path), { seed: 1, valSplit: 0, testSplit: 0, cacheDir, ...options });
/** A table of a header and one row for each image, with these fields behind the path. */
const table = (header: string, rows: readonly string[]) =>
  put("t.csv", [header, ...rows.map((row, at) => `img/${at}.png,${row}`)].join("\n"));
const labels = async (options: Partial<DatasetOptions> = {}) => {
  const { splits, classNames } = await open("t.csv", options);
  return splits.train.map(({ label }) => classNames[label]);
};
const fails = (promise: Promise<unknown>, message: RegExp, code = "Data") =>
  expect(promise).rejects.toMatchObject({ code, message: expect.stringMatching(message) });

test.each(["NaN", "nan", "<NA>", "#N/A", " "])(
  "%j is no class and no patient, as data frames write it",
  async (text) => {
    table("path,label,patient_id", ["a,p1", "b,p2", `a,${text}`, `b,${text}`]);
    const { splits } = await open();
    expect(splits.train.map(({ group }) => group)).toEqual(["p1", "p2", undefined, undefined]);
    table("path,label", ["a", "b", text]);
    await fails(open(), /line 4: no label/);
  },
);

describe("labels", () => {
  test.each([
    [
      ["0", "0.0", "1", "1.0"],
      ["0", "0", "1", "1"],
    ],
    [
      ["1.", "+1", "1e0", "01", "2", "٠"],
      ["1", "1", "1", "1", "2", "٠"],
    ],
    [
      ["-0", "0", ".5", "0.50", "5e-1", "1"],
      ["0", "0", "0.5", "0.5", "0.5", "1"],
    ],
    [
      ["10", "1e1", "100", "1.0E+2", "1200", "0012e2"],
      ["10", "10", "100", "100", "1200", "1200"],
    ],
    // More digits than a floating-point number holds.
    [
      ["90071992547409931", "90071992547409932", "90071992547409932.0"],
      ["90071992547409931", "90071992547409932", "90071992547409932"],
    ],
    [
      ["01", "01", "02"],
      ["01", "01", "02"],
    ],
    [
      ["0.0", "0.0", "1.0"],
      ["0.0", "0.0", "1.0"],
    ],
    [
      ["1 12", "11 2"],
      ["1 12", "11 2"],
    ],
    [
      ["1e400000000", "10e399999999", "2"],
      ["1e400000000", "1e400000000", "2"],
    ],
    [
      ["Infinity", "1", "."],
      ["Infinity", "1", "."],
    ],
  ])("that are equal numbers are one class: %j", async (written, named) => {
    table("path,label", written);
    expect(await labels()).toEqual(named);
  });

  test("that are equal numbers are said to be one, with their lines", async () => {
    table("path,label", ["0", "0.0", "1", "0.0", "0.0", "0.0"]);
    const { notices } = await open();
    expect(notices).toContain('"0" (line 2), "0.0" (lines 3, 5, 6 and 1 more) are one class: 0');
  });

  test.each([
    ["case", "Benign", "benign"],
    ["space at the end", "benign", "benign "],
    ["space in front", "benign", " benign"],
    ["inner spaces", "not  normal", "not normal"],
    ["spaces left out", "Grade 2", "grade2"],
    ["Unicode form", "l\u00e9sion", "le\u0301sion", "l\u00e9sion", "le\\u0301sion"],
    ["a non-breaking space", "not normal", "not\u00a0normal", "not normal", "not\\u00a0normal"],
    ["a zero-width space", "benign", "be\u200bnign", "benign", "be\\u200bnign"],
    ["a byte order mark", "benign", "\ufeffbenign", "benign", "\\ufeffbenign"],
    ["a soft hyphen", "benign", "be\u00adnign", "benign", "be\\u00adnign"],
    ["sharp s", "groß", "GROSS"],
  ])(
    "that differ only in %s are an error, or merged when asked",
    async (_, first, second, shownFirst = first, shownSecond = second) => {
      table("path,label", [first, second, "malignant", second]);
      const message = await open().catch(String);
      expect(message).toContain(`"${shownFirst}" (line 2), "${shownSecond}" (lines 3, 5)`);
      expect(message).toContain("--merge-labels");
      const name = second.trim();
      expect(await labels({ mergeLabels: true })).toEqual([name, name, "malignant", name]);
      const { notices } = await open("t.csv", { mergeLabels: true });
      expect(notices.join()).toContain(`are one class: ${name}`);
    },
  );

  test("are counted at the start of a run", async () => {
    table("path,label", ["b", "a", "b", "b"]);
    const events: RunEvent[] = [];
    tellNotices(await open(), (event) => events.push(event));
    expect(events[0]).toEqual({ type: "note", message: "2 classes in 4 images: a 1, b 3" });
  });
});

describe("class folders", () => {
  test.each([
    ["train/benign", "train/Benign"],
    ["train/benign", "test/benign "],
    ["train/1", "test/1.0"],
  ])("%s and %s are not two classes", async (first, second) => {
    for (const folder of [first, second, "train/malignant", "test/malignant"]) put(`set/${folder}/x.png`);
    for (const split of ["train", "test"])
      put(`set/${split}/${split === "train" ? first.slice(6) : second.replace(/.*\//, "")}/y.png`);
    const number = first === "train/1";
    if (!number) {
      const message = await open("set").catch(String);
      for (const name of [first, second]) expect(message).toContain(`folder ${name}`);
    }
    const { classNames, splits } = await open("set", { mergeLabels: !number });
    expect(classNames).toHaveLength(2);
    expect(splits.train.length + splits.test.length).toBe(6);
  });

  test("of splits are found in any case, with spaces around them", async () => {
    for (const split of ["TRAIN ", "Validation", "tEst"])
      for (const name of ["a", "b"]) put(`set/${split}/${name}/1.png`);
    expect((await open("set")).onDisk).toEqual(["train", "val", "test"]);
  });
});

describe("splits and patients", () => {
  test("are known by any usual spelling", async () => {
    table("path,label,split", ["a,Train", "b,TRAIN", "a,training", 'b,"train "', "a,\u00a0Valid", "b,test\u200b"]);
    const { splits } = await open();
    expect([splits.train.length, splits.val.length, splits.test.length]).toEqual([4, 1, 1]);
    table("path,label,split", ["a,constructor", "b,train"]);
    await fails(open(), /line 2: split "constructor" is none of train, val, test/);
  });

  test("of one spelling only: others are an error, or merged when asked; equal numbers are one", async () => {
    table("path,label,patient_id", ["a,P 1", "b,p1", "a,P2", "b,P2"]);
    await fails(open(), /one patient in several spellings\? "P 1" \(line 2\), "p1" \(line 3\)/);
    const merged = await open("t.csv", { mergeLabels: true });
    expect(merged.splits.train.map(({ group }) => group)).toEqual(["P 1", "P 1", "P2", "P2"]);
    table("path,label,patient_id", ["a,7", "b,7.0", "a,007", "b,8"]);
    expect((await open()).splits.train.map(({ group }) => group)).toEqual(["7", "7", "7", "8"]);
  });

  test("slices and folds that a data frame wrote as floating-point numbers are whole", async () => {
    table("path,label,fold", ["a,0.0", "b,1.0", "a,0.0", "b,1.0"]);
    const { splits } = await open("t.csv", { fold: 1 });
    expect(splits.val.map(({ path }) => relative(root, path))).toEqual(["img/1.png", "img/3.png"]);
  });
});

describe("columns", () => {
  test.each([
    "image,class",
    "File,Diagnosis",
    "filename,dx",
    "File Path,Target",
    "IMAGE_PATH,Class_Name",
    "\u00a0path ,label\u200b",
  ])("are found by their usual names: %s", async (header) => {
    table(header, ["a", "b"]);
    expect(await labels()).toEqual(["a", "b"]);
  });

  test("are found for splits, patients and masks too, and the choice is said", async () => {
    table("Image,DX,Partition,Subject,Mask Path,age", ["a,train,s1,img/5.png,50", "b,test,s2,img/4.png,60"]);
    const { splits, notices } = await open();
    expect(splits.train).toEqual([
      { path: join(root, "img/0.png"), label: 0, group: "s1", masks: [{ path: join(root, "img/5.png"), class: 1 }] },
    ]);
    expect(splits.test).toHaveLength(1);
    expect(notices[1]).toBe(
      `${join(root, "t.csv")}: path is column "Image", label is column "DX", split is column "Partition", patient_id is column "Subject", mask is column "Mask Path"`,
    );
    table("path,label", ["a", "b"]);
    expect((await open()).notices).toHaveLength(1);
  });

  test("of names of images count where there is no path", async () => {
    table("image_id,dx", ["a", "b"]);
    expect(await labels()).toEqual(["a", "b"]);
    put("t.csv", "image_id,path,dx\nx,img/0.png,a\ny,img/1.png,b\n");
    expect(await labels()).toEqual(["a", "b"]);
  });

  test("fold with names of splits is the split, with numbers the fold", async () => {
    table("path,label,fold", ["a,train", "b,Train", "a,val", "b,test"]);
    expect((await open()).onDisk).toEqual(["train", "val", "test"]);
    table("path,label,fold", ["a,0", "b,1"]);
    expect((await open()).onDisk).toEqual([]);
  });

  test("two for one thing are an error that names both, and are settled by --columns", async () => {
    table("path,diagnosis,target", ["a,x", "b,y"]);
    await fails(
      open(),
      /one column for label, got "diagnosis" and "target"; say which it is: --columns label=diagnosis/,
    );
    expect(await labels({ columns: "label=target" })).toEqual(["x", "y"]);
    table("path,label,Label", ["a,x", "b,y"]);
    await fails(open(), /got "label" and "Label"/);
    expect(await labels({ columns: "label=Label" })).toEqual(["x", "y"]);
    table("path,label,label", ["a,x", "b,y"]);
    await fails(open(), /one column for label, got label twice; rename all but one/);
  });

  test("of any name are taken when they are named, and usual ones left when nothing is", async () => {
    table("Bild,Befund,set", ["a,1", "b,2"]);
    await fails(
      open(),
      /a header with path and label .*got columns "Bild", "Befund", "set".*--columns path=NAME,label=NAME/,
    );
    await fails(open("t.csv", { columns: "path=Bild,label=Befund" }), /split "1" is none of/);
    expect(await labels({ columns: "path=Bild,label=befund,split=" })).toEqual(["a", "b"]);
    await fails(
      open("t.csv", { columns: "path=Bild,label=Diagnose" }),
      /a column of .*t\.csv, got label=Diagnose; choose of "Bild"/,
      "Config",
    );
  });

  test("of a split file need not be those that are named for the data", async () => {
    table("Bild,Befund", ["a", "b"]);
    const splitFile = put("s.csv", "path,label,split\nimg/0.png,a,val\nimg/1.png,b,train\n");
    const { splits } = await open("t.csv", { columns: "path=Bild,label=Befund", splitFile });
    expect([splits.train.length, splits.val.length]).toEqual([1, 1]);
  });

  test.each(["label", "colour=x", "label=a,class=b", "=x"])("--columns %s is a Config error", (columns) => {
    expect(() => resolveConfig(verbs.dataSplit, { flags: { dataPath: "d", output: "o", columns } })).toThrow(
      /columns: expected pairs such as path=image,label=diagnosis/,
    );
  });
});

describe("a table's bytes", () => {
  const text = "path,label\nimg/0.png,l\u00e9sion\nimg/1.png,gesund\n";

  test("that are no UTF-8 are an error with their place, or read by a named encoding", async () => {
    put("t.csv", Buffer.from(text, "latin1"));
    await fails(
      open(),
      /text in UTF-8, got byte 0xE9 at offset 22, in line 2, after "img\/0\.png,l";.*--encoding windows-1252/,
    );
    expect(await labels({ encoding: "latin1" })).toEqual(["l\u00e9sion", "gesund"]);
    put("t.csv", Buffer.concat([Buffer.from("path,label\r\nimg/0.png,\ufffd\u20ac"), Buffer.of(0xc3)]));
    await fails(open(), /got byte 0xC3 at offset 28, in line 2/);
    put("t.csv", Buffer.from("path,label\nimg/0.png,\x80\nimg/1.png,x", "latin1"));
    expect(await labels({ encoding: "windows-1252" })).toEqual(["\u20ac", "x"]);
    await fails(open("t.csv", { encoding: "utf-16le" }), /UTF-16LE|no header|columns/);
  });

  test.each([
    ["UTF-8 with a byte order mark", Buffer.from(`\ufeff${text}`), undefined],
    ["UTF-16", Buffer.from(`\ufeff${text}`, "utf16le"), undefined],
    ["big-endian UTF-16", Buffer.from(`\ufeff${text}`, "utf16le").swap16(), undefined],
    ["UTF-16 without a mark, named", Buffer.from(text, "utf16le"), "utf-16le"],
    ["UTF-8 with a mark, whatever is named", Buffer.from(`\ufeff${text}`), "latin1"],
    ["line ends of an old Mac", Buffer.from(text.replaceAll("\n", "\r")), undefined],
    ["mixed line ends", Buffer.from(text.replace("\n", "\r\n")), undefined],
    ["a line sep=;", Buffer.from(`sep=;\r\n${text.replaceAll(",", ";")}`), undefined],
  ])("are read as %s", async (_, bytes, encoding) => {
    put("t.csv", bytes);
    expect(await labels({ encoding })).toEqual(["l\u00e9sion", "gesund"]);
  });

  test("a split file of UTF-8 is read as such although the data have another encoding", async () => {
    put("t.csv", Buffer.from(text, "latin1"));
    const splitFile = put("s.csv", "path,label,split\nimg/0.png,l\u00e9sion,train\nimg/1.png,gesund,val\n");
    expect((await open("t.csv", { encoding: "latin1", splitFile })).splits.val).toHaveLength(1);
  });

  test.each([
    [
      "a workbook",
      Buffer.from("PK\x03\x04 and so on"),
      /got an Excel workbook \(\.xlsx\).*save the sheet as CSV UTF-8/,
    ],
    ["an old workbook", Buffer.of(0xd0, 0xcf, 0x11, 0xe0, 0xa1), /got an old Excel workbook/],
    ["a web page", Buffer.from("<!DOCTYPE html><title>login"), /got a web page/],
    ["UTF-16 without a mark", Buffer.from(text, "utf16le"), /byte 0xE9|character 0 in line 1.*--encoding utf-16le/],
    ["a character 0", Buffer.from("path,label\na\0,x"), /a character 0 in line 2/],
    ["nothing", Buffer.alloc(0), /an empty file/],
    ["spaces only", Buffer.from(" \n\n"), /an empty file/],
    ["a header only", Buffer.from("path,label\n"), /a row for each image, got none/],
    ["half a character of UTF-16", Buffer.from(`\ufeff${text}`, "utf16le").subarray(0, 31), /text in UTF-16LE/],
    [
      "a quote inside a field",
      Buffer.from('path,label\nimg/0.png,5" wide\n'),
      /a CSV file, got .*line 2.*double those inside/,
    ],
    ["an open quote", Buffer.from('path,label\nimg/0.png,"x\nimg/1.png,y\n'), /a CSV file, got Quote Not Closed/],
  ])("that are %s are a Data error", async (_, bytes, message) => {
    put("t.csv", bytes);
    await fails(open(), message);
  });

  test("a workbook under its own name is told from a table", async () => {
    put("t.xlsx", "PK\x03\x04");
    await fails(open("t.xlsx"), /got an Excel workbook/);
  });

  test("an unknown encoding is a Config error", () => {
    const flags = { dataPath: "d", output: "o", encoding: "klingon" };
    expect(() => resolveConfig(verbs.dataSplit, { flags })).toThrow(/encoding: expected the name of an encoding/);
    expect(isEncoding("shift_jis")).toBe(true);
    expect(tableText("t", Uint8Array.of(0x93, 0xfa), "shift_jis")).toBe("\u65e5");
  });
});

describe("paths", () => {
  test("are told with backslashes, from above, absolute, without an ending, in another Unicode form", async () => {
    put("img/r\u00e9.png");
    put("v/scan.nii.gz");
    put(
      "sub/t.csv",
      `path,label\n..\\img\\0.png,a\n${join(root, "img/1.png")},b\n../img/2,a\n../img/re\u0301.png,b\n..\\img/3.png,a\n`,
    );
    const { splits } = await open("sub/t.csv");
    expect(splits.train.map(({ path }) => relative(root, path))).toEqual([
      "img/0.png",
      "img/1.png",
      "img/2.png",
      "img/r\u00e9.png",
      "img/3.png",
    ]);
  });

  test("that fit several files, or none, are errors; each missing file is named once", async () => {
    put("img/0.jpg");
    put("t.csv", "path,label\nimg/0,a\nimg/1.png,b\n");
    await fails(open(), /line 2: img\/0 may be 0\.jpg or 0\.png/);
    put("t.csv", "path,label,slice\nimg/9.dcm,a,0\nimg/9.dcm,b,1\nimg/1.png,b,\n");
    const message = await open().catch(String);
    expect(message).toContain(`1 of 2 files are not there, looked for from ${root}: img/9.dcm (line 2);`);
  });

  test("of a split file name the data's files in the same ways", async () => {
    for (const name of ["a/1.png", "a/2.png", "b/1.png", "b/2.png"]) put(`set/${name}`);
    const splitFile = put("s.csv", "image,split\na\\1.png,train\na/2,val\nb/1.png,train\nset/b/2.png,val\n");
    const { splits } = await open("set", { splitFile });
    expect(splits.val.map(({ path }) => relative(root, path))).toEqual(["set/a/2.png", "set/b/2.png"]);
  });
});
