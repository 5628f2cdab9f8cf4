import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openDataset } from "../../../../src/data/dataset.ts";
import { furtherColumns } from "../../../../src/data/layouts/further-columns.ts";
import { writePicture } from "../../../e2e/micro-models.ts";

const folder = mkdtempSync(join(tmpdir(), "msmae-columns-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("are what a table says beside path, label and split, by the image", async () => {
  for (const name of ["a.png", "b.png", "c.png"]) await writePicture(join(folder, "images", name), 1, 8, 8);
  const rows = [
    "image;dx;split;scanner;age",
    "images/b.png;x;train;S 1;40",
    "images/a.png;y;train;;7",
    "images/c.png;y;test; S2 ;",
  ];
  writeFileSync(join(folder, "dataset.csv"), rows.join("\n"));
  for (const dataPath of [folder, join(folder, "dataset.csv")]) {
    const data = await openDataset(dataPath, { seed: 0, valSplit: 0 });
    const further = await furtherColumns(data, dataPath, {});
    expect(further.names).toEqual(["scanner", "age"]);
    const told = Object.fromEntries(data.splits.train.map((sample) => [sample.path.slice(-5), further.of(sample)]));
    expect(told).toEqual({ "a.png": ["", "7"], "b.png": ["S 1", "40"] });
    expect(data.splits.test.map((sample) => further.of(sample))).toEqual([["S2", ""]]);
    expect(further.of({ path: join(folder, "elsewhere.png") })).toEqual(["", ""]);
  }
});

test("there are none of a data set that is no table", async () => {
  for (const name of ["x/a.png", "y/b.png"]) await writePicture(join(folder, "plain", "train", name), 1, 8, 8);
  const dataPath = join(folder, "plain");
  const data = await openDataset(dataPath, { seed: 0, valSplit: 0 });
  expect((await furtherColumns(data, dataPath, {})).names).toEqual([]);
});
