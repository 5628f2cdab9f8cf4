import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type DatasetOptions, dataHash, openDataset, splitCsv } from "../../../../src/data/dataset.ts";

const root = mkdtempSync(join(tmpdir(), "msmae-values-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

beforeAll(async () => {
  for (const name of ["a", "b", "c", "d"]) {
    const create = { width: 4, height: 4, channels: 3, background: "black" } as const;
    await sharp({ create })
      .png()
      .toFile(join(root, `${name}.png`));
  }
});

const open = (table: string, options: Partial<DatasetOptions> = {}) => {
  writeFileSync(join(root, "dataset.csv"), table);
  return openDataset(root, { seed: 1, valSplit: 0, testSplit: 0, cacheDir: join(root, "cache"), ...options });
};
const findings = { kind: "findings", names: ["Edema", "No Finding"] } as const;

const table = `path,label,edema,No Finding
a.png,x,1,0
b.png,x,0.0,TRUE
c.png,y,-1.0,
d.png,z,nan,false
`;

test("values are read by the columns' names, and labels passed over", async () => {
  const data = await open(table, { values: findings });
  expect(data.splits.train.map(({ label, values }) => [label, ...(values ?? [])])).toEqual([
    [0, 1, 0],
    [0, 0, 1],
    [0, Number.NaN, Number.NaN],
    [0, Number.NaN, 0],
  ]);
  expect(data.classNames).toEqual(["image"]);
  expect(data.values).toEqual(findings);
  expect(data.notices).toContain("2 findings in 4 images: Edema 1 of 2, No Finding 1 of 3");
  expect(data.notices.join()).toContain("1 findings are -1, uncertain, and are taken as missing");
  expect(splitCsv(data)).toBe(
    "path,Edema,No Finding,split\na.png,1,0,train\nb.png,0,1,train\nc.png,,,train\nd.png,,0,train\n",
  );
});

test("numbers are taken as they are", async () => {
  const data = await open("path,age\na.png,34.5\nb.png,-2e1\nc.png,\nd.png,61\n", {
    values: { kind: "number", names: ["age"] },
  });
  expect(data.splits.train.map(({ values }) => values?.[0])).toEqual([34.5, -20, Number.NaN, 61]);
  expect(data.notices).toContain("number in 4 images: age -20 to 61 in 3");
});

test("what is told of images has a part in the fingerprint of the data", async () => {
  const hash = async (text: string) => dataHash(await open(text, { values: findings }));
  const first = await hash(table);
  expect(await hash(table.replace("z,nan", "other,nan"))).toBe(first);
  expect(await hash(table.replace("z,nan", "z,1"))).not.toBe(first);
});

test("what cannot be read is named by line and column", async () => {
  await expect(open(table.replace("0.0", "2"), { values: findings })).rejects.toThrow(
    /line 3: Edema "2" is not 0, 1, -1 \(uncertain\) or nothing/,
  );
  await expect(open(table, { values: { kind: "number", names: ["label"] } })).rejects.toThrow(
    /line 2: label "x" is not a number or nothing/,
  );
  await expect(open(table, { values: { kind: "findings", names: ["Oedema"] } })).rejects.toThrow(
    /one column "Oedema", for --findings, got columns "path", "label", "edema", "No Finding"/,
  );
  await expect(open(table.replace("No Finding", "EDEMA"), { values: findings })).rejects.toThrow(
    /2 columns of this name/,
  );
});

test("a data set without a table has no values", async () => {
  const folder = join(root, "folders");
  for (const name of ["x", "y"]) {
    mkdirSync(join(folder, name), { recursive: true });
    copyFileSync(join(root, "a.png"), join(folder, name, "a.png"));
  }
  await expect(openDataset(folder, { seed: 1, values: findings })).rejects.toThrow(
    /a table with columns for --findings Edema,No Finding, got a data set of layout image-folder/,
  );
});
