import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SYMMETRY_NAMES } from "../../../../src/curation/check/symmetry.ts";
import { makePhantoms } from "../../../../src/experiments/phantom/make-phantoms.ts";
import { body, grey, ids, SIDE, TestFolder } from "./image-folder.ts";

let folder: TestFolder;
beforeEach(() => {
  folder = new TestFolder();
});
afterEach(() => folder.remove());

const none = {
  identicalAcrossSplits: 0,
  identicalFilesInLaterSplits: 0,
  nearIdenticalAcrossSplits: 0,
  groupsAcrossSplits: 0,
  identicalWithinSplits: 0,
  nearIdenticalWithinSplits: 0,
  labelConflicts: 0,
  nearLabelConflicts: 0,
};

/** Grey levels seen through one of the eight symmetries. */
function through(pixels: Uint8Array, symmetry: number): Uint8Array {
  return Uint8Array.from(pixels, (_, at) => {
    const [x, y] = [at % SIDE, Math.floor(at / SIDE)];
    const fromX = symmetry & 1 ? SIDE - 1 - x : x;
    const fromY = symmetry & 2 ? SIDE - 1 - y : y;
    return (symmetry & 4 ? pixels[fromX * SIDE + fromY] : pixels[fromY * SIDE + fromX]) as number;
  });
}

describe("pictures of equal pixels", () => {
  test("are found across splits, whatever the name, the compression and the channels", async () => {
    await folder.fill();
    await folder.picture("train/sick/a.png", grey(body(1)).png({ compressionLevel: 9 }));
    await folder.picture("test/sick/other.png", grey(body(1)).png({ compressionLevel: 0 }));
    await folder.picture("test/sick/colour.png", grey(body(1)).toColourspace("srgb").png());
    await folder.picture("test/sick/form.tif", grey(body(1)).tiff({ compression: "lzw" }));
    const result = await folder.check();
    expect(result).toMatchObject({
      ...none,
      identicalAcrossSplits: 1,
      identicalFilesInLaterSplits: 3,
      identicalWithinSplits: 2,
      leakage: true,
    });
    expect(result.pairs.slice(0, 1)).toEqual([
      {
        kind: "identical",
        acrossSplits: true,
        a: { path: "train/sick/a.png", split: "train", class: "sick" },
        b: expect.objectContaining({ split: "test", class: "sick" }),
        turn: "as it is",
        correlation: 1,
        detail: 1,
      },
    ]);
    expect(result.findings[0]).toMatchObject({ level: "leak", id: "identical-across-splits" });
  });

  test("count once for the split they come to later, train before val before test", async () => {
    await folder.fill();
    for (const name of ["sick", "well"])
      await folder.picture(`val/${name}/v.png`, grey(body(name === "sick" ? 1 : 2)).png());
    await folder.picture("test/sick/v.png", grey(body(1)).png());
    const result = await folder.check();
    expect(result).toMatchObject({ ...none, identicalAcrossSplits: 1, identicalFilesInLaterSplits: 1, leakage: true });
    expect(result.pairs[0]).toMatchObject({ a: { split: "val" }, b: { split: "test" } });
  });

  test("that differ in one grey level are not identical but nearly", async () => {
    await folder.fill();
    const changed = body(1).slice();
    changed[SIDE * 48 + 48] = (changed[SIDE * 48 + 48] as number) ^ 1;
    await folder.picture("train/sick/a.png", grey(body(1)).png());
    await folder.picture("test/sick/b.png", grey(changed).png());
    expect(await folder.check()).toMatchObject({ ...none, nearIdenticalAcrossSplits: 1, leakage: true });
  });

  test("that bear two labels within one split are a conflict and no leak", async () => {
    await folder.fill();
    await folder.picture("train/sick/a.png", grey(body(1)).png());
    await folder.picture("train/well/a.png", grey(body(1)).png());
    const result = await folder.check();
    expect(result).toMatchObject({ ...none, labelConflicts: 1, identicalWithinSplits: 1, leakage: false });
    expect(ids(result)).toContain("label-conflicts");
    expect(result.pairs[0]).toMatchObject({ acrossSplits: false, a: { class: "sick" }, b: { class: "well" } });
  });
});

describe("near-identical pictures", () => {
  test.each(SYMMETRY_NAMES.map((name, symmetry) => [name, symmetry]))("are found %s", async (_, symmetry) => {
    await folder.fill();
    await folder.picture("train/sick/a.png", grey(body(1)).png());
    // Without a change of grey levels the picture as it is would be identical.
    await folder.picture("test/sick/b.jpg", grey(through(body(1), symmetry as number)).jpeg({ quality: 85 }));
    const result = await folder.check();
    expect(result).toMatchObject({ ...none, nearIdenticalAcrossSplits: 1, leakage: true });
    expect(result.pairs).toHaveLength(1);
    const { a, b, kind, turn, detail } = result.pairs[0] as (typeof result.pairs)[number];
    expect([a.path, b.path, kind]).toEqual(["train/sick/a.png", "test/sick/b.jpg", "near-identical"]);
    expect(detail).toBeGreaterThan(0.98);
    // What undoes a quarter turn is the other quarter turn; the rest undo themselves.
    const undone = [0, 1, 2, 3, 4, 6, 5, 7][symmetry as number] as number;
    expect(turn).toBe(SYMMETRY_NAMES[undone]);
  });

  test.each([
    ["stored as a coarse JPEG", () => grey(body(1)).jpeg({ quality: 40 })],
    ["brightened", () => grey(body(1)).linear(1.1, 12).png()],
    ["darkened", () => grey(body(1)).linear(0.6, 0).png()],
    ["made smaller", () => grey(body(1)).resize(61, 61).png()],
    ["made larger", () => grey(body(1)).resize(211, 211).png()],
    ["stretched", () => grey(body(1)).resize(96, 80, { fit: "fill" }).png()],
    [
      "cropped by a fiftieth of each side",
      () => grey(body(1)).extract({ left: 2, top: 2, width: 92, height: 92 }).png(),
    ],
    ["cropped on one side", () => grey(body(1)).extract({ left: 0, top: 3, width: 96, height: 93 }).png()],
  ])("are found %s", async (_, copy) => {
    await folder.fill();
    await folder.picture("train/sick/a.png", grey(body(1)).png());
    await folder.picture("test/sick/b.jpg", copy());
    const result = await folder.check();
    expect(result).toMatchObject({ ...none, nearIdenticalAcrossSplits: 1, leakage: true });
    expect(result.findings[0]).toMatchObject({ level: "leak", id: "near-identical-across-splits" });
  });

  test("of different classes are named, in one split without a leak", async () => {
    await folder.fill();
    await folder.picture("train/sick/a.png", grey(body(1)).png());
    await folder.picture("train/well/a.jpg", grey(body(1)).jpeg());
    const result = await folder.check();
    expect(result).toMatchObject({ ...none, nearLabelConflicts: 1, nearIdenticalWithinSplits: 2, leakage: false });
    expect(ids(result)).toContain("near-label-conflicts");
  });

  test("are not what only looks alike: a set of phantoms gives no finding", async () => {
    await makePhantoms({
      outputDir: folder.data,
      seed: 3,
      size: 64,
      classes: 2,
      imagesPerClass: { train: 40, val: 6, test: 14 },
    });
    rmSync(join(folder.data, "masks"), { recursive: true });
    const result = await folder.check();
    expect(result).toMatchObject({ ...none, images: 120, leakage: false, unreadable: [] });
    expect(result.findings).toEqual([]);
  });
});
