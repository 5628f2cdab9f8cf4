import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { dataHash, openDataset, splitCsv } from "../../../src/data/dataset.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "msmae-folder-"));
});
afterEach(() => rmSync(root, { recursive: true }));

function add(...paths: string[]): void {
  for (const path of paths) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), path);
  }
}
const many = (folder: string, count: number) => Array.from({ length: count }, (_, at) => `${folder}/${at}.png`);
const names = (samples: { path: string }[]) => samples.map(({ path }) => relative(root, path));

describe("openDataset", () => {
  test("sorts classes and files, follows links, and counts files that are no images", async () => {
    add(
      "train/c/2.JPG",
      "train/c/1.png",
      "train/B/x/deep.tiff",
      "train/B/notes.txt",
      "train/B/.hidden.png",
      "elsewhere/e.bmp",
    );
    add("train/c/3.webp", "test/B/t.jpeg", "test/c/t.tif", "val/B/v.png", "val/c/v.png");
    symlinkSync(join(root, "elsewhere"), join(root, "train/B/linked"));
    const folder = await openDataset(root, { seed: 0 });
    expect(folder.classNames).toEqual(["B", "c"]);
    expect(names(folder.splits.train)).toEqual([
      "train/B/linked/e.bmp",
      "train/B/x/deep.tiff",
      "train/c/1.png",
      "train/c/2.JPG",
      "train/c/3.webp",
    ]);
    expect(folder.splits.train.map(({ label }) => label)).toEqual([0, 0, 1, 1, 1]);
    expect(folder.onDisk).toEqual(["train", "val", "test"]);
    expect(folder.ignoredFiles).toBe(1);
  });

  test("draws a missing val from train: stratified, disjoint, by the seed", async () => {
    add(...many("train/a", 40), ...many("train/b", 20), ...many("test/a", 3), ...many("test/b", 3));
    const folder = await openDataset(root, { seed: 1, valSplit: 0.25 });
    const count = (label: number) => folder.splits.val.filter((sample) => sample.label === label).length;
    expect([count(0), count(1)]).toEqual([10, 5]);
    expect(new Set([...names(folder.splits.train), ...names(folder.splits.val)]).size).toBe(60);
    expect(folder.splits.test).toHaveLength(6);
    expect((await openDataset(root, { seed: 1, valSplit: 0.25 })).splits).toEqual(folder.splits);
    expect((await openDataset(root, { seed: 2, valSplit: 0.25 })).splits.val).not.toEqual(folder.splits.val);
    expect((await openDataset(root, { seed: 1, valSplit: 0 })).splits.val).toEqual([]);
  });

  test("draws test and val from a folder without splits", async () => {
    add(...many("a", 20), ...many("b", 10));
    const folder = await openDataset(root, { seed: 1 });
    const { train, val, test: held } = folder.splits;
    expect([train.length, val.length, held.length]).toEqual([21, 3, 6]);
    expect(new Set(names([...train, ...val, ...held])).size).toBe(30);
    expect(folder.onDisk).toEqual([]);
  });

  test("takes a folder that has only a test split", async () => {
    add("test/a/1.png", "test/b/1.png");
    const folder = await openDataset(root, { seed: 0, require: ["test"] });
    expect(folder.splits).toMatchObject({ train: [], val: [] });
    await expect(openDataset(root, { seed: 0, require: ["train"] })).rejects.toThrow(/split "train"/);
  });

  test.each([
    ["an empty class folder", ["train/a/1.png", "train/b/readme.txt"], /none in b/],
    ["one class only", ["train/a/1.png"], /one class only \(a\)/],
    [
      "class names that differ",
      ["train/a/1.png", "train/b/1.png", "test/a/1.png", "test/c/1.png"],
      /without b and with c/,
    ],
    ["no class folders", ["picture.png"], /no folder/],
    ["empty splits", ["train/picture.png"], /no folder/],
  ])("%s is a Data error", async (_, paths, message) => {
    add(...(paths as string[]));
    await expect(openDataset(root, { seed: 0 })).rejects.toMatchObject({
      code: "Data",
      message: expect.stringMatching(message as RegExp),
    });
  });

  test("folders and files that systems leave behind are no classes and no images", async () => {
    add(...many("a", 4), ...many("b", 4), "__MACOSX/a/._1.png", "lost+found/x", "$RECYCLE.BIN/$R1.png");
    add("@eaDir/a@SynoEAStream", "System Volume Information/tracking.log", "#recycle/old.png");
    add("a/@eaDir/1.png/SYNOPHOTO_THUMB_M.png", "a/._1.png", "b/Thumbs.db");
    const folder = await openDataset(root, { seed: 0, valSplit: 0, testSplit: 0 });
    expect(folder.classNames).toEqual(["a", "b"]);
    expect(folder.splits.train).toHaveLength(8);
  });

  test("a later split may lack images of a class, by an empty folder or none, and says so", async () => {
    for (const name of ["a", "b", "c"]) add(...many(`train/${name}`, 2));
    add("val/a/1.png", "val/b/readme.txt", "test/c/1.png");
    const folder = await openDataset(root, { seed: 0 });
    expect(folder.classNames).toEqual(["a", "b", "c"]);
    expect(folder.splits.test.map(({ label }) => label)).toEqual([2]);
    expect(folder.notices).toContain('split "val" has no image of b, c');
    expect(folder.notices).toContain('split "test" has no image of a, b');
    add("test/d/1.png");
    await expect(openDataset(root, { seed: 0 })).rejects.toThrow(/test.*got without a, b and with d/);
  });

  test("a folder that is not there is a Data error, a bad share a Config error", async () => {
    await expect(openDataset(join(root, "absent"), { seed: 0 })).rejects.toMatchObject({ code: "Data" });
    await expect(openDataset(root, { seed: 0, valSplit: 1 })).rejects.toMatchObject({ code: "Config" });
  });
});

test("splitCsv lists every image once with class and split, quoting where needed", async () => {
  add("train/a, b/1.png", "train/c/1.png", "val/a, b/2.png", "val/c/2.png");
  const folder = await openDataset(root, { seed: 0 });
  expect(splitCsv(folder)).toBe(
    'path,label,split\n"train/a, b/1.png","a, b",train\ntrain/c/1.png,c,train\n"val/a, b/2.png","a, b",val\nval/c/2.png,c,val\n',
  );
});

test("dataHash follows content, names and splits, not the place", async () => {
  add(...many("data/train/a", 4), ...many("data/train/b", 4));
  const hash = async (folder: string, seed = 0) => dataHash(await openDataset(join(root, folder), { seed }));
  const first = await hash("data");
  expect(first).toMatch(/^[0-9a-f]{64}$/);
  renameSync(join(root, "data"), join(root, "moved"));
  expect(await hash("moved")).toBe(first);
  expect(await hash("moved", 5)).not.toBe(first);
  writeFileSync(join(root, "moved/train/a/0.png"), "other content");
  expect(await hash("moved")).not.toBe(first);
});
