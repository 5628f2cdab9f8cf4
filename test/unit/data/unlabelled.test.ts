import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { type Dataset, type DatasetOptions, openDataset, splitCsv } from "../../../src/data/dataset.ts";
import { groupKey } from "../../../src/data/splits/split.ts";

const root = mkdtempSync(join(tmpdir(), "msmae-unlabelled-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function put(name: string, text = "x"): string {
  mkdirSync(dirname(join(root, name)), { recursive: true });
  writeFileSync(join(root, name), text);
  return join(root, name);
}

/** Opens a table of the given rows, whose files are there. */
function open(head: string, rows: readonly string[], options: Partial<DatasetOptions> = {}): Promise<Dataset> {
  for (const row of rows) put(row.split(",")[0] as string);
  const table = put("table.csv", `${[head, ...rows].join("\n")}\n`);
  return openDataset(table, { seed: 1, cacheDir: join(root, "cache"), ...options });
}

const names = (samples: Dataset["splits"]["train"]) => samples.map(({ path }) => path.slice(root.length + 1));

const rows = ["a.png,cat,train", "b.png,Unlabeled,train", "c.png,zebra,train", "d.png,cat,test", "e.png,zebra,test"];
const given = { valSplit: 0 };

describe("rows whose class nobody knows", () => {
  test("are training images without a label where they are kept", async () => {
    const data = await open("path,label,split", rows, { ...given, unlabelled: "kept" });
    expect(data.classNames).toEqual(["cat", "zebra"]);
    expect(names(data.splits.train)).toEqual(["a.png", "c.png", "b.png"]);
    expect(data.splits.train.map(({ label, unlabelled }) => [label, unlabelled])).toEqual([
      [0, undefined],
      [1, undefined],
      [-1, true],
    ]);
    expect(data.notices[0]).toBe("2 classes in 4 images: cat 2, zebra 2");
    expect(data.notices).toContain("unlabelled images beside them: 1");
    const table = splitCsv(data);
    expect(table).toContain("b.png,unlabelled,train,no\n");
    put("again.csv", table);
    const again = await openDataset(join(root, "again.csv"), { seed: 1, ...given, unlabelled: "kept" });
    expect(again.splits).toEqual(data.splits);
  });

  test("are left out, or a class as any other", async () => {
    const without = await open("path,label,split", rows, { ...given, unlabelled: "left out" });
    expect(without.classNames).toEqual(["cat", "zebra"]);
    expect(names(without.splits.train)).toEqual(["a.png", "c.png"]);
    expect(without.splits.test.map(({ label }) => label)).toEqual([0, 1]);
    expect(without.notices).toContain("unlabelled images beside them: 1, of them left out: 1");
    expect((await open("path,label,split", rows, given)).classNames).toEqual(["Unlabeled", "cat", "zebra"]);
  });

  test("are the class that they are where there is no other", async () => {
    const only = ["a.png,unlabelled,train", "b.png,unlabelled,train"];
    const data = await open("path,label,split", only, { ...given, unlabelled: "kept", oneClass: true });
    expect(data.classNames).toEqual(["unlabelled"]);
    expect(data.splits.train).toHaveLength(2);
  });

  test("leave draws as they are without them, and no patient stands on two sides", async () => {
    const labelled = Array.from({ length: 60 }, (_, at) => `${at}.png,${at % 2 ? "cat" : "zebra"},p${at % 20}`);
    // Every patient has one image that nobody has labelled.
    const more = Array.from({ length: 20 }, (_, at) => `u${at}.png,unlabelled,p${at}`);
    const alone = await open("path,label,patient_id", labelled);
    const data = await open("path,label,patient_id", [...labelled, ...more], { unlabelled: "kept", labelShare: 0.5 });
    for (const split of ["val", "test"] as const) expect(names(data.splits[split])).toEqual(names(alone.splits[split]));
    const heldOut = new Set([...data.splits.val, ...data.splits.test].map(groupKey));
    expect(data.splits.train.filter((sample) => heldOut.has(groupKey(sample)))).toEqual([]);
    const patients = new Set(alone.splits.train.map(groupKey)).size;
    expect(data.splits.train).toHaveLength(alone.splits.train.length + patients);
    const notice = `unlabelled images beside them: 20, of them left out: ${20 - patients}, since they are or belong with validation or test images`;
    expect(data.notices).toContain(notice);
    const half = await open("path,label,patient_id", labelled, { labelShare: 0.5 });
    const used = ({ splits }: Dataset) => names(splits.train.filter(({ unlabelled }) => !unlabelled));
    expect(used(data)).toEqual(used(half));
  });
});
