import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { dataHash, openDataset } from "../../../../src/data/dataset.ts";
import { defaultCacheDir, FileIndex } from "../../../../src/data/index/index-cache.ts";
import { dicomFile, niftiFile } from "../../formats/volume-files.ts";

let root: string;
let cacheDir: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "msmae-index-"));
  cacheDir = join(root, "cache");
});
afterEach(() => rmSync(root, { recursive: true }));

function put(name: string, content: string | Uint8Array): string {
  const path = join(root, name);
  writeFileSync(path, content);
  return path;
}
const indexFile = () => join(cacheDir, "index", readdirSync(join(cacheDir, "index"))[0] as string);
/** Other bytes of the same size and time: only who looks into the file sees that it has changed. */
function changeUnseen(path: string, content: Uint8Array): void {
  const time = new Date(2020, 1, 1);
  writeFileSync(path, content);
  utimesSync(path, time, time);
}

describe("FileIndex", () => {
  test("tells what a file is again without looking into it, as long as size and time stay", async () => {
    const path = join(root, "scan");
    changeUnseen(path, dicomFile("ANNA", 2));
    const first = await FileIndex.open(root, cacheDir);
    const facts = await first.facts(path);
    expect(facts).toMatchObject({ counts: [2, 2, 2], patient: expect.stringMatching(/^[0-9a-f]{64}$/) });
    const [head] = await first.heads([path]);
    await first.save();
    changeUnseen(path, dicomFile("OTTO", 2));
    const second = await FileIndex.open(root, cacheDir);
    expect(await second.facts(path)).toEqual(facts);
    expect(await second.heads([path])).toEqual([head]);
    utimesSync(path, new Date(), new Date());
    const third = await FileIndex.open(root, cacheDir);
    expect((await third.facts(path)).patient).not.toBe(facts.patient);
    expect(await third.heads([path])).not.toEqual([head]);
    put("scan", dicomFile("ANNA", 4));
    expect((await (await FileIndex.open(root, cacheDir)).facts(path)).counts).toEqual([4, 4, 4]);
  });

  test("knows a file by any way to tell its path", async () => {
    const path = join(root, "scan");
    changeUnseen(path, dicomFile("ANNA"));
    const first = await FileIndex.open(relative(process.cwd(), root), cacheDir);
    const facts = await first.facts(relative(process.cwd(), path));
    await first.save();
    changeUnseen(path, dicomFile("OTTO"));
    const second = await FileIndex.open(root, cacheDir);
    expect(await second.facts(relative(process.cwd(), path))).toEqual(facts);
    expect(await second.facts(path)).toEqual(facts);
  });

  test("keeps the labelled areas of masks, and files outside the data set", async () => {
    mkdirSync(join(root, "set"));
    const mask = join(root, "mask.nii");
    const voxels = (value: number) => new Uint8Array(8).fill(value, 4, 7);
    changeUnseen(mask, niftiFile([2, 2, 2], voxels(2)));
    const first = await FileIndex.open(join(root, "set"), cacheDir);
    const areas = [new Map(), new Map([[2, 3]])];
    expect(await first.labelAreas({ path: mask, kind: "labels" }, "axial", mask)).toEqual(areas);
    await first.save();
    changeUnseen(mask, niftiFile([2, 2, 2], voxels(5)));
    const second = await FileIndex.open(join(root, "set"), cacheDir);
    expect(await second.labelAreas({ path: mask, kind: "labels" }, "axial", mask)).toEqual(areas);
    // Another axis has to be counted, and so is the file as it now is.
    expect(await second.labelAreas({ path: mask, kind: "labels" }, "coronal", mask)).toEqual([
      new Map([[5, 2]]),
      new Map([[5, 1]]),
    ]);
  });

  test("forgets files that are gone", async () => {
    const paths = ["a.png", "b.png"].map((name) => put(name, name));
    const first = await FileIndex.open(root, cacheDir);
    await first.heads(paths);
    await first.save();
    expect(readFileSync(indexFile(), "latin1")).toContain("b.png");
    rmSync(paths[1] as string);
    const second = await FileIndex.open(root, cacheDir);
    expect(await second.heads([...paths, put("c.png", "c")])).toMatchObject([{ size: 5 }, undefined, { size: 1 }]);
    await second.save();
    expect(readFileSync(indexFile(), "latin1")).not.toContain("b.png");
  });

  test.each([
    ["cut short", (bytes: Buffer) => bytes.subarray(0, -7)],
    ["changed in the middle", (bytes: Buffer) => bytes.fill(0xff, 90, 95)],
    ["of another version", (bytes: Buffer) => bytes.fill("9", 12, 13)],
    ["empty", () => Buffer.alloc(0)],
  ])("a cache that is %s is passed over and written anew", async (_, damage) => {
    const path = put("a.png", "a");
    const first = await FileIndex.open(root, cacheDir);
    const heads = await first.heads([path]);
    await first.save();
    const whole = readFileSync(indexFile());
    writeFileSync(indexFile(), damage(Buffer.from(whole)));
    const second = await FileIndex.open(root, cacheDir);
    expect(await second.heads([path])).toEqual(heads);
    await second.save();
    expect(readFileSync(indexFile())).toEqual(whole);
  });

  test("what cannot be read is no part of it", async () => {
    const index = await FileIndex.open(root, cacheDir);
    expect(await index.heads([join(root, "gone.png"), root])).toEqual([undefined, undefined]);
    expect(await index.facts(join(root, "gone.dcm"))).toEqual({ counts: [1, 1, 1], patient: "" });
    expect(await index.noImages([put("text", "some text"), put("scan", dicomFile("x"))])).toEqual(
      new Set([join(root, "text")]),
    );
  });

  test("nothing is written where nothing is new", async () => {
    const path = put("a.png", "a");
    const first = await FileIndex.open(root, cacheDir);
    await first.heads([path]);
    await first.save();
    rmSync(indexFile());
    await first.heads([path]);
    await first.save();
    expect(readdirSync(join(cacheDir, "index"))).toEqual([]);
  });
});

test("a data set opens the same with a cache, without one, and where none can be written", async () => {
  for (const name of ["a", "b"]) {
    mkdirSync(join(root, "set", name), { recursive: true });
    for (let at = 0; at < 5; at++) put(`set/${name}/${at}`, dicomFile(`${at}`, 1 + at));
  }
  const open = async (dir: string) => {
    const { index: _, ...dataset } = await openDataset(join(root, "set"), { seed: 0, cacheDir: dir });
    return dataset;
  };
  const hash = async (dir: string) => dataHash(await openDataset(join(root, "set"), { seed: 0, cacheDir: dir }));
  const [first, firstHash] = [await open(cacheDir), await hash(cacheDir)];
  const blocked = put("file", "no folder");
  for (const dir of [cacheDir, blocked]) {
    expect(await open(dir)).toEqual(first);
    expect(await hash(dir)).toBe(firstHash);
  }
});

test("the cache lies where the environment says", () => {
  try {
    vi.stubEnv("MSMAE_CACHE_DIR", "/there");
    vi.stubEnv("XDG_CACHE_HOME", "/cache");
    expect(defaultCacheDir()).toBe("/there");
    vi.stubEnv("MSMAE_CACHE_DIR", "");
    expect(defaultCacheDir()).toBe("/cache/msmae");
    // A relative one is passed over, as its specification says.
    vi.stubEnv("XDG_CACHE_HOME", "cache");
    expect(defaultCacheDir()).toMatch(/^\/.*\/.cache\/msmae$/);
    vi.stubEnv("HOME", "home");
    expect(defaultCacheDir()).toBeUndefined();
    vi.stubEnv("HOME", "/home");
    vi.stubEnv("XDG_CACHE_HOME", "");
    expect(defaultCacheDir()).toMatch(/\/\.cache\/msmae$/);
  } finally {
    vi.unstubAllEnvs();
  }
});
