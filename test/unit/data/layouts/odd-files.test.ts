import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import sharp from "sharp";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { checkData } from "../../../../src/curation/check/check-data.ts";
import { splitData } from "../../../../src/curation/split-data.ts";
import { dataStats } from "../../../../src/curation/stats.ts";
import { openDataset } from "../../../../src/data/dataset.ts";
import type { RunEvent } from "../../../../src/support/events.ts";
import { dicomFile, niftiFile } from "../../formats/volume-files.ts";

let root: string;
let cacheDir: string;
const events: RunEvent[] = [];
const hooks = { onEvent: (event: RunEvent) => events.push(event) };
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "msmae-odd-"));
  cacheDir = join(root, ".cache");
  events.length = 0;
});
afterEach(() => rmSync(root, { recursive: true }));

function put(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}
const grey = (seed: number) =>
  sharp(
    Uint8Array.from({ length: 1024 }, (_, i) => (i * seed * 37) % 251),
    { raw: { width: 32, height: 32, channels: 1 } },
  )
    .png()
    .toBuffer();
const warnings = () => events.flatMap((event) => (event.type === "warning" ? [event.message] : []));
const stats = (strict = false) =>
  dataStats(
    {
      dataPath: join(root, "set"),
      split: "train",
      seed: 0,
      valSplit: 0,
      inputSize: { height: 32, width: 32 },
      inChans: 1,
      window: "auto",
      sliceAxis: "axial",
      workers: 0,
      strict,
    },
    hooks,
  );

describe("masks beside images", () => {
  const odd = [
    { path: "masks/z.png", reason: "a mask without an image" },
    { path: "images/2.png", reason: expect.stringContaining("2.png") },
  ];
  beforeEach(async () => {
    for (let at = 0; at < 6; at++) {
      put(`set/images/${at}.png`, await grey(at + 1));
      put(`set/masks/${at}.png`, await grey(at + 7));
    }
    for (let at = 6; at < 9; at++) put(`set/images/${at}.png`, await grey(at + 1));
    put("set/masks/2.png", "no picture");
    put("set/masks/z.png", await grey(9));
  });

  test("that are odd cost check, stats and split their own image only, and are named", async () => {
    const dataPath = join(root, "set");
    const checked = await checkData({ dataPath, seed: 0, workers: 0, outputDir: join(root, "check") }, hooks);
    expect(checked).toMatchObject({ images: 8, leftOut: odd, classCounts: { background: 3, lesion: 5 } });
    expect(checked.findings).toContainEqual(
      expect.objectContaining({ id: "left-out", level: "warning", title: "2 files cannot be used and are left out" }),
    );
    expect(readFileSync(join(root, "check/report.html"), "utf8")).toContain("a mask without an image");
    expect(warnings()[0]).toMatch(/^2 files are left out: masks\/z\.png \(a mask without an image\), images\/2\.png/);
    const split = await splitData({ dataPath, seed: 0, output: join(root, "s.csv"), testSplit: 0 }, hooks);
    expect(split).toMatchObject({ leftOut: odd, groups: 8 });
    expect(readFileSync(join(root, "s.csv"), "utf8")).not.toContain("2.png");
    expect(await stats()).toMatchObject({ leftOut: odd, unreadable: [] });
  });

  test("that are odd end stats and split under strict", async () => {
    const refused = { code: "Data", message: expect.stringMatching(/every file to be in order \(strict\).*z\.png/) };
    const options = { dataPath: join(root, "set"), seed: 0, output: join(root, "s.csv"), strict: true };
    await expect(splitData(options)).rejects.toMatchObject(refused);
    await expect(stats(true)).rejects.toMatchObject(refused);
  });

  test("of names that fit no image are an error: all would be taken for background", async () => {
    for (let at = 0; at < 6; at++) {
      rmSync(join(root, `set/masks/${at}.png`));
      put(`set/masks/${at}-outline.png`, await grey(at + 7));
    }
    await expect(stats()).rejects.toThrow(/readable masks with the names of their images.*0-outline\.png/);
  });
});

test("a volume whose mask has another depth, or is damaged, costs itself only", async () => {
  const volume = niftiFile(
    [4, 3, 2],
    Uint8Array.from({ length: 24 }, (_, at) => at),
  );
  const training = ["a", "b", "c", "gone"].map((name) => ({ image: `${name}.nii`, label: `${name}-mask.nii` }));
  for (const name of ["a", "b", "c"]) put(`set/${name}.nii`, volume);
  put("set/a-mask.nii", niftiFile([4, 3, 2], new Uint8Array(24).fill(1, 12)));
  put("set/b-mask.nii", niftiFile([4, 3, 3], new Uint8Array(36)));
  put("set/c-mask.nii", "no volume");
  put("set/dataset.json", JSON.stringify({ labels: { 0: "background", 1: "liver" }, training }));
  const { splits, leftOut, classNames } = await openDataset(join(root, "set"), {
    seed: 0,
    valSplit: 0,
    testSplit: 0,
    cacheDir,
  });
  expect(splits.train.map(({ label, item }) => [classNames[label], item])).toEqual([
    ["background", 0],
    ["liver", 1],
  ]);
  expect(leftOut.map(({ path, reason }) => [path.slice(root.length), reason.replaceAll(root, "")])).toEqual([
    ["/set/gone.nii", "no such file"],
    ["/set/b.nii", expect.stringContaining("4×3×3 voxels, without a common place in the body, for 4×3×2 of the image")],
    ["/set/c.nii", expect.stringContaining("c-mask.nii")],
  ]);
});

test("a damaged file costs a table that names its slices only itself", async () => {
  put("set/a.dcm", dicomFile("P1", 3));
  put("set/b.dcm", "no DICOM");
  const rows = ["a.dcm,x,2", "b.dcm,y,5", "a.dcm,y,0"];
  put("set/dataset.csv", `path,label,slice\n${rows.join("\n")}\n`);
  const checked = await checkData({ dataPath: join(root, "set"), seed: 0, workers: 0 });
  expect(checked.unreadable.map(({ path, item }) => [path, item])).toEqual([["b.dcm", 5]]);
  put("set/dataset.csv", `path,label,slice\n${[...rows, "a.dcm,x,7"].join("\n")}\n`);
  await expect(checkData({ dataPath: join(root, "set"), seed: 0, workers: 0 })).rejects.toThrow(
    /a slice from 0 to 2, got 7/,
  );
});

test("empty and damaged images cost stats and split themselves only", async () => {
  for (const name of ["a", "b"]) {
    for (let at = 0; at < 4; at++) put(`set/${name}/${at}.png`, await grey(at + 1));
    put(`set/${name}/empty.png`, "");
    put(`set/${name}/damaged.dcm`, "DICM");
  }
  const result = await stats();
  expect(result.unreadable).toHaveLength(4);
  const split = await splitData({ dataPath: join(root, "set"), seed: 0, output: join(root, "s.csv") });
  expect(Object.values(split.splits).reduce((sum, count) => sum + count)).toBe(12);
});
