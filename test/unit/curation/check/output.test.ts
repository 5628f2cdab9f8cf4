import { existsSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { checkSummary } from "../../../../src/curation/check/summary.ts";
import { openDataset } from "../../../../src/data/dataset.ts";
import { body, grey, ids, TestFolder } from "./image-folder.ts";

let folder: TestFolder;
beforeEach(() => {
  folder = new TestFolder();
});
afterEach(() => folder.remove());

describe("patients", () => {
  test.each([
    ["patient_id", "a patient"],
    ["lesion_id", "a lesion"],
  ])("in the column %s that stand in two splits are counted", async (column, who) => {
    await folder.fill();
    const rows = ["train/sick/0.png,sick,train,p1", "train/well/0.png,well,train,p2", "train/sick/1.png,sick,val,p1"];
    rows.push("test/sick/0.png,sick,test,p1", "test/well/0.png,well,test,p3");
    folder.put("dataset.csv", `path,label,split,${column}\n${rows.join("\n")}\n`);
    const result = await folder.check();
    expect(result).toMatchObject({ groupsAcrossSplits: 2, identicalAcrossSplits: 0, nearIdenticalAcrossSplits: 0 });
    expect(result.leakage).toBe(true);
    expect(result.findings[0]).toMatchObject({ level: "leak", id: "groups-across-splits" });
    expect(result.findings[0]?.title).toContain(who);
  });
});

describe("the cleaned split", () => {
  beforeEach(async () => {
    await folder.fill(3);
    await folder.picture("train/sick/same.png", grey(body(1)).png());
    await folder.picture("test/sick/same.png", grey(body(1)).png());
    await folder.picture("train/well/near.png", grey(body(2)).png());
    await folder.picture("test/well/near.jpg", grey(body(2)).jpeg());
    await folder.picture("train/sick/twice.png", grey(body(3)).png());
    await folder.picture("train/sick/twice2.png", grey(body(3)).png());
    await folder.picture("train/sick/conflict.png", grey(body(4)).png());
    await folder.picture("train/well/conflict.png", grey(body(4)).png());
    folder.put("train/well/broken.png", "no picture");
  });

  test.each(["test", "train"] as const)("has no leak and keeps %s", async (fixKeep) => {
    const before = folder.hash();
    const fix = join(folder.path, "out", "clean.csv");
    const result = await folder.check({ fix, fixKeep });
    expect(result.leakage).toBe(true);
    const dropped = { unreadable: 1, labelConflict: 2, copyAcrossSplits: 2, groupAcrossSplits: 0, copyWithinSplit: 1 };
    expect(result.fix).toEqual({ path: fix, keep: fixKeep, images: 15, dropped });
    const options = { seed: 1, valSplit: 0, testSplit: 0, cacheDir: join(folder.path, "cache") };
    const { splits } = await openDataset(fix, options);
    expect([splits.train.length, splits.test.length]).toEqual(fixKeep === "test" ? [7, 8] : [9, 6]);
    const again = await folder.check({ dataPath: fix });
    expect(again).toMatchObject({ images: 15, leakage: false, labelConflicts: 0, unreadable: [], pairsFound: 0 });
    expect(folder.hash()).toBe(before);
  });

  test("leaves the files of the data set as they are, the report too", async () => {
    const before = folder.hash();
    const outputDir = join(folder.path, "out");
    const result = await folder.check({ outputDir });
    expect(existsSync(result.reportPath as string)).toBe(true);
    expect(folder.hash()).toBe(before);
  });

  test("separates patients", async () => {
    const rows = ["train/sick/0.png,sick,train,p1", "train/well/0.png,well,train,p2"];
    rows.push("test/sick/0.png,sick,test,p1", "test/well/0.png,well,test,p3");
    folder.put("dataset.csv", `path,label,split,patient_id\n${rows.join("\n")}\n`);
    const fix = join(folder.path, "clean.csv");
    const result = await folder.check({ fix });
    expect(result.fix).toMatchObject({ images: 3, dropped: { groupAcrossSplits: 1, copyAcrossSplits: 0 } });
    expect(readFileSync(fix, "utf8")).not.toContain("train/sick/0.png");
    expect(await folder.check({ dataPath: fix })).toMatchObject({ groupsAcrossSplits: 0, leakage: false });
  });
});

describe("the report", () => {
  test("shows the pairs as pictures in the page, says what was found, and loads nothing", async () => {
    await folder.fill();
    await folder.picture("train/sick/<same>.png", grey(body(1)).png());
    await folder.picture("test/sick/copy.png", grey(body(1)).png());
    await folder.picture("test/sick/near.jpg", grey(body(1)).linear(1.1, 5).jpeg());
    const outputDir = join(folder.path, "out");
    const result = await folder.check({ outputDir });
    const page = readFileSync(join(outputDir, "report.html"), "utf8");
    const images = [...page.matchAll(/<img[^>]*src="([^"]*)"/g)].map(([, source]) => source as string);
    expect(result.pairsFound).toBe(2);
    expect(images).toHaveLength(4);
    for (const source of images) expect(source).toMatch(/^data:image\/png;base64,[A-Za-z0-9+/=]{100,}$/);
    expect(page).not.toMatch(/\b(src|srcset|action|data|poster)\s*=\s*["']?\s*(https?:)?\/\//i);
    expect(page).not.toMatch(/<link\b|<iframe|@import|url\(\s*["']?(https?:)?\/\//i);
    expect(page).toContain("Data check: the splits leak");
    expect(page).toContain("&#60;same&#62;.png");
    expect(page).not.toContain("<same>");
    for (const { title } of result.findings) expect(page).toContain(title.replaceAll("'", "&#39;"));
    // Where they lie stands in neither of the two files.
    const { reportPath: _report, resultPath, ...told } = result;
    expect(JSON.parse(readFileSync(resultPath as string, "utf8"))).toEqual(told);
    expect(checkSummary(result).join("\n")).toContain("LEAK     1 picture of a later split stand");
  });

  test("of a sound data set says that no leak was found", async () => {
    await folder.fill();
    const result = await folder.check({ outputDir: join(folder.path, "out") });
    expect(readFileSync(result.reportPath as string, "utf8")).toContain("no leak between splits was found");
    expect(checkSummary(result)).toContain("No leak between splits was found.");
  });

  test("is the same with threads and without", async () => {
    await folder.fill();
    await folder.picture("test/sick/copy.png", grey(body(100)).png());
    const { seconds: _, ...alone } = await folder.check();
    const { seconds: __, ...threads } = await folder.check({ workers: 2 });
    expect(threads).toEqual(alone);
  });
});

describe("what is asked for", () => {
  beforeEach(() => folder.fill(1));

  test("must not be written into the data set, by a link neither", async () => {
    const link = join(folder.path, "link");
    symlinkSync(folder.data, link);
    const before = folder.hash();
    const inside = [
      { outputDir: folder.data },
      { outputDir: join(folder.data, "new/out") },
      { outputDir: join(link, "out") },
      { fix: join(folder.data, "clean.csv") },
      { dataPath: link, fix: join(folder.data, "clean.csv") },
    ];
    for (const options of inside) {
      const promise = folder.check(options);
      await expect(promise).rejects.toMatchObject({ code: "Config", message: /outside the data set/ });
    }
    expect(folder.hash()).toBe(before);
  });

  test.each([
    [{ fix: "x.csv", fixKeep: "both" as "test" }, /test, train/],
    [{ workers: -1 }, /workers/],
    [{ workers: 1.5 }, /workers/],
    [{ window: "400,-1" }, /window/],
  ])("is refused where it makes no sense: %j", async (options, message) => {
    await expect(folder.check(options)).rejects.toMatchObject({ code: "Config", message });
  });

  test("can be a folder that is not there", async () => {
    await expect(folder.check({ dataPath: join(folder.path, "gone") })).rejects.toMatchObject({ code: "Data" });
  });

  test.each([0, 2])("ends by a signal, with %i threads, and writes nothing", async (workers) => {
    const stop = new AbortController();
    const onEvent = ({ type }: { type: string }) => type === "phase-progress" && stop.abort();
    const outputDir = join(folder.path, "out");
    const promise = folder.check({ workers, outputDir }, { signal: stop.signal, onEvent });
    await expect(promise).rejects.toMatchObject({ code: "Interrupted" });
    expect(existsSync(outputDir)).toBe(false);
  });

  test("is told as it goes: what is done, and never more than there is", async () => {
    const seen: string[] = [];
    let total = 0;
    await folder.check(
      {},
      {
        onEvent(event) {
          if (event.type === "phase") {
            total = event.total;
            seen.push(event.name);
          } else if (event.type === "phase-progress") expect(event.done).toBeLessThanOrEqual(total);
        },
      },
    );
    expect(seen).toEqual(["decoding", "near-identical pictures"]);
    expect(ids(await folder.check())).toEqual([]);
  });
});
