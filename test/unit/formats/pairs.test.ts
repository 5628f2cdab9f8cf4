import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { openDataset } from "../../../src/data/dataset.ts";
import { countAlong, factsOf } from "../../../src/data/index/file-facts.ts";
import { openImageFile } from "../../../src/formats/node/open-image-file.ts";
import { listPictures } from "../../../src/inference/list-pictures.ts";
import { makeNifti } from "./nifti/made.ts";

const folder = mkdtempSync(join(tmpdir(), "msmae-pairs-"));
afterAll(() => rmSync(folder, { recursive: true }));
function write(name: string, bytes: Uint8Array): string {
  mkdirSync(join(folder, name, ".."), { recursive: true });
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
}
const SHAPE = [3, 4, 5] as const;
const VOXELS = Uint8Array.from({ length: 60 }, (_, i) => i + 1);
const affine = [
  [2, 0, 0, 0],
  [0, 2, 0, 0],
  [0, 0, 2, 0],
];
const header = makeNifti({ shape: SHAPE, affine, voxels: VOXELS, pair: true });
const analyze = makeNifti({ shape: SHAPE, voxels: VOXELS, analyze: true });

describe("either file opens a pair", () => {
  test.each([
    ["plain", "a.hdr", "a.img", (bytes: Uint8Array) => bytes],
    ["packed", "b.hdr.gz", "b.img.gz", gzipSync],
    ["in capitals", "C.HDR", "C.IMG", (bytes: Uint8Array) => bytes],
    ["in capitals and packed", "D.HDR.GZ", "D.IMG.GZ", gzipSync],
  ])("%s", async (_, first, second, pack) => {
    const [one, other] = [write(first, pack(header)), write(second, pack(VOXELS))];
    const single = await openImageFile(write("single.nii", makeNifti({ shape: SHAPE, affine, voxels: VOXELS })));
    const expected = [...(await single.read(2, "axial")).values];
    for (const path of [one, other]) {
      const file = await openImageFile(path);
      expect(file.format).toBe("NIfTI-1");
      expect([...(await file.read(2, "axial")).values]).toEqual(expected);
      expect([...(await file.array()).data]).toEqual([...(await single.array()).data]);
      expect(countAlong(await factsOf(path), "axial")).toBe(5);
    }
  });

  test("a packed half beside a plain one", async () => {
    write("mixed.hdr", header);
    expect((await openImageFile(write("mixed.img.gz", gzipSync(VOXELS)))).count("axial")).toBe(5);
  });

  // As nibabel 5.4.2: axes to the left, front and top, scaled by SPM's slope.
  test("of Analyze, whose header has no mark", async () => {
    const scaled = analyze.slice();
    new DataView(scaled.buffer).setFloat32(112, 0.5, true);
    write("spm.hdr", scaled);
    const file = await openImageFile(write("spm.img", VOXELS));
    expect([file.format, file.header.orientation]).toEqual(["Analyze", "LAS"]);
    const { values } = await file.read(0, "axial");
    expect([...values].slice(0, 3)).toEqual([10, 11, 12].map((value) => value / 2));
  });

  test("of Analyze with calibrated values instead of a slope", async () => {
    const calibrated = analyze.slice();
    const view = new DataView(calibrated.buffer);
    view.setFloat32(124, 10, true);
    view.setFloat32(128, 0, true);
    view.setInt32(140, 100, true);
    view.setInt32(144, 20, true);
    write("cal.hdr", calibrated);
    const { data } = await (await openImageFile(write("cal.img", VOXELS))).array();
    expect(data[0]).toBeCloseTo((1 - 20) / 8, 6);
  });
});

describe("a half that stands alone", () => {
  test.each([
    ["of a header", "lone.hdr", header, /no lone\.img beside it/],
    ["of an Analyze header", "lone2.hdr", analyze, /no lone2\.img beside it/],
    ["of voxels", "lone3.img", VOXELS, /no lone3\.hdr beside it/],
  ])("%s is named", async (_, name, bytes, message) => {
    await expect(openImageFile(write(name, bytes))).rejects.toMatchObject({
      code: "Data",
      message: expect.stringMatching(message),
    });
  });

  test("of a disk image beside a header of another kind", async () => {
    write("disk.hdr", Buffer.from("ENVI\nsamples = 3\n"));
    await expect(openImageFile(write("disk.img", new Uint8Array(512)))).rejects.toThrow(
      /disk\.hdr is no Analyze or NIfTI header/,
    );
  });

  test("of voxels cut short", async () => {
    write("short.hdr", header);
    await expect(openImageFile(write("short.img", VOXELS.subarray(0, 9)))).rejects.toThrow(/9 of 60 bytes/);
  });
});

describe("in a data set", () => {
  const root = join(folder, "set");
  for (const name of ["x", "y"]) {
    write(`set/train/${name}/1.hdr`, header);
    write(`set/train/${name}/1.img`, VOXELS);
    write(`set/train/${name}/notes.hdr`, Buffer.from("ENVI"));
  }
  write("set/train/x/2.hdr", header);

  test("a pair is one image, and a header without voxels is one that cannot be read", async () => {
    const { splits, ignoredFiles } = await openDataset(root, {
      seed: 1,
      valSplit: 0,
      slices: "first",
      cacheDir: join(folder, "cache"),
    });
    expect(splits.train.map(({ path }) => path.slice(root.length + 1))).toEqual([
      "train/x/1.img",
      "train/x/2.hdr",
      "train/y/1.img",
    ]);
    expect(ignoredFiles).toBe(2);
    const listed = await listPictures([join(root, "train", "y")], { slices: "first", sliceAxis: "axial" });
    expect(listed.map(({ path }) => path)).toEqual([join(root, "train/y/1.img")]);
  });

  test("a table that names both halves names one image twice", async () => {
    const rows = ["path,label", "train/x/1.hdr,x", "train/x/1.img,x", "train/y/1.img,y"];
    const table = write("set/both.csv", Buffer.from(rows.join("\n")));
    await expect(openDataset(table, { seed: 1, cacheDir: join(folder, "cache") })).rejects.toThrow(
      /line 3: .*1\.img again, as in line 2/,
    );
  });
});
