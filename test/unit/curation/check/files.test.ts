import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { niftiFile } from "../../formats/volume-files.ts";
import { body, grey, ids, SIDE, TestFolder } from "./image-folder.ts";

let folder: TestFolder;
beforeEach(() => {
  folder = new TestFolder();
});
afterEach(() => folder.remove());

/** So many different pictures of a class, each changed as a test wants it. */
async function fill(name: string, count: number, first: number, write = (pixels: Uint8Array) => grey(pixels).png()) {
  for (let k = 0; k < count; k++) {
    const split = k % 4 === 3 ? "test" : "train";
    await folder.picture(`${split}/${name}/${k}.png`, write(body(first + k)));
  }
}

describe("classes", () => {
  test("are counted in each split, and their balance is judged", async () => {
    await fill("sick", 2, 0);
    await fill("well", 21, 100);
    // A folder must hold all classes, a table need not.
    const row = (name: string, k: number) => {
      const split = k % 4 === 3 ? "test" : "train";
      return `${split}/${name}/${k}.png,${name},${split}\n`;
    };
    const rows = [...Array(2).keys()]
      .map((k) => row("sick", k))
      .concat([...Array(21).keys()].map((k) => row("well", k)));
    folder.put("dataset.csv", `path,label,split\n${rows.join("")}`);
    const result = await folder.check();
    expect(result.classCounts).toEqual({ sick: 2, well: 21 });
    expect(result.splitClassCounts).toEqual({
      train: { sick: 2, well: 16 },
      val: { sick: 0, well: 0 },
      test: { sick: 0, well: 5 },
    });
    const found = (id: string) => result.findings.find((finding) => finding.id === id);
    expect(found("class-balance")).toMatchObject({ level: "warning", title: expect.stringContaining("10.5 times") });
    expect(found("missing-classes")?.title).toBe("Split test has no images of sick");
    expect(result.leakage).toBe(false);
  });

  test("slightly uneven are a note; even ones no finding", async () => {
    await fill("sick", 4, 0);
    await fill("well", 8, 100);
    expect((await folder.check()).findings).toMatchObject([{ level: "note", id: "class-balance" }]);
    await fill("more", 8, 200);
    await fill("sick", 8, 0);
    expect((await folder.check()).findings).toEqual([]);
  });

  test("one alone is said, and is checked", async () => {
    await fill("only", 3, 0);
    await folder.picture("test/only/b.png", grey(body(0)).png());
    const result = await folder.check();
    expect(ids(result)).toEqual(["identical-across-splits", "one-class"]);
  });

  test("in one split only can still hold copies", async () => {
    for (const [number, name] of ["sick/a", "sick/b", "well/a", "well/b"].entries()) {
      await folder.picture(`${name}.png`, grey(body(number)).png());
    }
    await folder.picture("sick/c.png", grey(body(0)).png());
    const result = await folder.check({ outputDir: `${folder.path}/out` });
    expect(result.splitClassCounts.train).toEqual({ sick: 3, well: 2 });
    expect(result).toMatchObject({ leakage: false, identicalAcrossSplits: 0 });
    // Drawn at random, the copies would come apart: without splits of its own a data set is warned.
    expect(result.findings.find(({ id }) => id === "identical-within-splits")).toMatchObject({ level: "warning" });
  });
});

describe("files", () => {
  test("none of which can be read are no data set without leaks", async () => {
    for (const name of ["sick", "well"]) folder.put(`train/${name}/a.png`, "no picture");
    const message = /2 images, none readable; the first: .*train\/sick\/a\.png/;
    await expect(folder.check()).rejects.toMatchObject({ code: "Data", message });
  });

  test.each([0, 2])("that cannot be read are named with the reason, with %i threads", async (workers) => {
    await folder.fill();
    const whole = await grey(body(1)).png().toBuffer();
    folder.put("train/sick/cut.png", whole.subarray(0, whole.length / 2));
    folder.put("test/well/empty.png", "");
    const result = await folder.check({ workers });
    expect(result.images).toBe(10);
    expect(result.unreadable.map(({ path, error }) => [path, error.code])).toEqual([
      ["train/sick/cut.png", "Data"],
      ["test/well/empty.png", "Data"],
    ]);
    for (const { error } of result.unreadable) expect(error.message).toContain("expected");
    expect(ids(result)).toContain("unreadable");
    expect(result.leakage).toBe(false);
  });

  test("of another size, shape or mode than the rest stand out", async () => {
    await folder.fill(6);
    await folder.picture(
      "train/sick/large.png",
      grey(body(1))
        .resize(SIDE * 3, SIDE * 3)
        .png(),
    );
    await folder.picture("train/sick/wide.png", grey(body(2)).resize(170, 60, { fit: "fill" }).png());
    await folder.picture("train/well/colour.png", grey(body(3)).toColourspace("srgb").tint("#ff8800").png());
    await folder.picture("train/well/tiny.png", grey(body(4)).resize(30, 30).png());
    await folder.picture("train/well/deep.png", grey(body(5)).toColourspace("grey16").png());
    const result = await folder.check();
    const paths = (key: "tiny" | "oddSizes" | "oddShapes" | "oddModes") =>
      result.appearance[key].map(({ path }) => path);
    expect(paths("oddSizes")).toEqual([]);
    expect(paths("oddShapes")).toEqual(["train/sick/wide.png"]);
    expect(paths("oddModes").sort()).toEqual(["train/well/colour.png", "train/well/deep.png"]);
    expect(paths("tiny")).toEqual(["train/well/tiny.png"]);
    expect(ids(result)).toEqual(expect.arrayContaining(["odd-shapes", "odd-modes", "tiny"]));
    expect(result.appearance.modes).toEqual({ "grey uint8": 27, "colour uint8": 1, "grey uint16": 1 });
    expect(result.appearance.size).toMatchObject({ smallest: { width: 30 }, largest: { width: SIDE * 3 } });
  });

  test("that show almost nothing after the window are named, and depend on the window", async () => {
    await folder.fill();
    await folder.picture("train/sick/dark.png", grey(body(1).map((level) => level >> 5)).png());
    const dark = await folder.check();
    expect(dark.appearance.lowRange.map(({ path }) => path)).toEqual(["train/sick/dark.png"]);
    expect(ids(dark)).toContain("low-range");
    const opened = await folder.check({ window: "range:0,8" });
    expect(opened.appearance.lowRange.map(({ path }) => path)).not.toContain("train/sick/dark.png");
  });

  test("of many pages are checked picture by picture, empty slices left out", async () => {
    await folder.fill();
    const volume = (first: number) =>
      niftiFile([SIDE, SIDE, 3], Uint8Array.from([...new Uint8Array(SIDE * SIDE), ...body(first), ...body(first + 1)]));
    folder.put("train/sick/a.nii", volume(1));
    folder.put("test/sick/b.nii", volume(2));
    const result = await folder.check();
    expect(result.images).toBe(14);
    expect(result).toMatchObject({ identicalAcrossSplits: 1, identicalWithinSplits: 0, groupsAcrossSplits: 0 });
    expect(result.pairs[0]).toMatchObject({
      a: { path: "train/sick/a.nii", item: 2 },
      b: { path: "test/sick/b.nii", item: 1 },
    });
  });

  test("of many pages that stand in two splits are one group in two splits", async () => {
    await folder.fill();
    folder.put("v.nii", niftiFile([SIDE, SIDE, 2], Uint8Array.from([...body(1), ...body(2)])));
    folder.put(
      "dataset.csv",
      "path,label,split,slice\nv.nii,sick,train,0\nv.nii,sick,test,1\ntrain/well/0.png,well,train,\n",
    );
    const result = await folder.check();
    expect(result).toMatchObject({ images: 3, groupsAcrossSplits: 1, identicalAcrossSplits: 0, leakage: true });
  });
});

describe("shortcuts", () => {
  /** A bright bar at the top edge, as burned-in text would be. */
  const marked = (pixels: Uint8Array) => pixels.map((level, at) => (at < SIDE * 4 && at % SIDE < 40 ? 230 : level));

  test("a mark on the border of one class is found, and one on the border of all is not", async () => {
    await fill("sick", 20, 0, (pixels) => grey(marked(pixels)).png());
    await fill("well", 20, 100);
    const result = await folder.check();
    expect(ids(result)).toContain("border-predicts-class");
    expect(result.shortcuts.borderProbe).toMatchObject({
      balancedAccuracy: 1,
      chance: 0.5,
      classes: ["sick", "well"],
      n: 40,
    });
    await fill("well", 20, 100, (pixels) => grey(marked(pixels)).png());
    const even = await folder.check();
    expect(ids(even)).not.toContain("border-predicts-class");
    expect(even.shortcuts.borderProbe?.balancedAccuracy).toBeLessThan(0.75);
  });

  test.each([
    ["file format", (pixels: Uint8Array) => grey(pixels).tiff({ compression: "lzw" })],
    ["width", (pixels: Uint8Array) => grey(pixels).resize(120, SIDE, { fit: "fill" }).png()],
    ["compression", (pixels: Uint8Array) => grey(pixels).png({ compressionLevel: 0 })],
    ["grey or colour, bit depth", (pixels: Uint8Array) => grey(pixels).toColourspace("srgb").tint("#ff8800").png()],
    ["brightness", (pixels: Uint8Array) => grey(pixels).linear(1, 60).png()],
  ])("a class that differs in %s is found", async (property, write) => {
    await fill("sick", 16, 0, write);
    await fill("well", 16, 100);
    const result = await folder.check();
    expect(result.shortcuts.byClass.find((found) => found.property === property)?.cramersV).toBeGreaterThan(0.8);
    const titles = result.findings.filter(({ id }) => id === "property-predicts-class").map(({ title }) => title);
    expect(titles.join("\n").toLowerCase()).toContain(property);
  });

  test("splits of different grey levels and formats are warned of", async () => {
    for (let k = 0; k < 24; k++) {
      const split = k % 2 ? "train" : "test";
      const pixels = grey(body(k)).linear(1, k % 2 ? 0 : 70);
      await folder.picture(`${split}/${k % 4 < 2 ? "sick" : "well"}/${k}.png`, k % 2 ? pixels.png() : pixels.jpeg());
    }
    const result = await folder.check();
    expect(ids(result)).toEqual(expect.arrayContaining(["property-differs-between-splits", "grey-levels-differ"]));
    expect(result.shortcuts.classBySplit).toBeLessThan(0.3);
  });
});
