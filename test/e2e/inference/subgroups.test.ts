import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { type Evaluation, evaluate } from "../../../src/inference/evaluate.ts";
import { classifier, writePicture } from "../micro-models.ts";
import { at, checkpoints, msmae } from "./scene.ts";

const root = at("table");
const given = { dataPath: root, threads: 1, workers: 1, report: true } as const;

beforeAll(async () => {
  const lines = ["path,label,split,sex,age"];
  for (let i = 0; i < 24; i++) {
    await writePicture(join(root, `${i}.png`), 300 + i);
    const split = i < 18 ? "test" : "val";
    lines.push(`${i}.png,${classifier.classNames[i % 3]},${split},${["f", "m", ""][i % 4] ?? "m"},${30 + 2 * i}`);
  }
  writeFileSync(join(root, "dataset.csv"), `${lines.join("\n")}\n`);
});

test("figures by columns of the table, in JSON, metrics.json and the report", async () => {
  const outputDir = at("subgroups");
  const argv = ["eval", "--checkpoint", checkpoints.classifier, "--data-path", root, "--output-dir", outputDir];
  const { code, lines, stderr } = msmae(...argv, "--report", "--subgroups", "sex,age:40,50");
  expect(code, stderr).toBe(0);
  const { subgroups } = lines[0] as unknown as Evaluation;
  const counts = subgroups?.map(({ column, subgroups: found }) => [column, found.map(({ value, n }) => [value, n])]);
  expect(counts).toEqual([
    [
      "sex",
      [
        ["f", 5],
        ["m", 9],
        [null, 4],
      ],
    ],
    [
      "age",
      [
        ["below 40", 5],
        ["40 to below 50", 5],
        ["50 or more", 8],
      ],
    ],
  ]);
  expect(JSON.parse(readFileSync(join(outputDir, "metrics.json"), "utf8")).subgroups).toEqual(subgroups);
  const page = readFileSync(join(outputDir, "report.html"), "utf8");
  expect(page).toContain("By sex, with 95 % intervals");
  expect(page).toContain("too few to tell");
  // Each image is in one group: the counts of right ones add up.
  const right = subgroups?.map(({ subgroups: found }) =>
    found.reduce((sum, { n, figures }) => sum + n * (figures.figures.accuracy.value as number), 0),
  );
  const whole = await evaluate({ ...given, checkpoint: checkpoints.classifier });
  expect(right?.[0]).toBeCloseTo(18 * whole.accuracy, 9);
  expect(right?.[1]).toBeCloseTo(18 * whole.accuracy, 9);
});

test("a column that is not there, a folder without a table, and no report are refused by name", async () => {
  const { checkpoint } = { checkpoint: checkpoints.classifier };
  await expect(evaluate({ ...given, checkpoint, subgroups: ["sex", "race"] })).rejects.toMatchObject({
    code: "Config",
    message: expect.stringMatching(/expected of sex, age, got race/),
  });
  await expect(evaluate({ ...given, checkpoint, dataPath: at("data"), subgroups: ["sex"] })).rejects.toMatchObject({
    code: "Data",
    message: expect.stringContaining("expected a data set that is a CSV file"),
  });
  await expect(evaluate({ ...given, checkpoint, report: false, subgroups: ["sex"] })).rejects.toThrow(
    /--report beside it/,
  );
});
