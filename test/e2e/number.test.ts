import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { evaluate } from "../../src/inference/evaluate.ts";
import type { NumberFigures, NumberPrediction } from "../../src/inference/outcomes/number.ts";
import { predict } from "../../src/inference/predict.ts";
import { describeModelFile } from "../../src/interop/model-file.ts";
import type { NumberMetrics } from "../../src/results/metrics/index.ts";
import type { NumberFigures as Trained } from "../../src/training/targets/number-target.ts";
import { finetune } from "../../src/training/tasks/finetune.ts";
import { run } from "../cli/fakes.ts";
import { type FindingRow, PICTURE_TRAINING, writeFindingPictures } from "../support/finding-pictures.ts";

const folder = mkdtempSync(join(tmpdir(), "msmae-number-"));
const at = (...names: string[]) => join(folder, ...names);
const data = at("data");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const training = { ...PICTURE_TRAINING, dataPath: data, number: "level", outputDir: at("run") } as const;

let rows: FindingRow[];

beforeAll(async () => {
  rows = await writeFindingPictures(data, { train: 96, val: 32, test: 32 });
});

test("a number is learned, and counted in the unit of its column", async () => {
  const { mae, r2 } = await finetune<Trained>(training);
  const metrics: NumberMetrics = JSON.parse(readFileSync(at("run", "metrics.json"), "utf8"));
  expect(metrics).toMatchObject({ n: 32, mae, r2 });
  // The levels go from 20 to 80.
  expect(metrics.maeOfMedian).toBeGreaterThan(10);
  expect(mae).toBeLessThan(0.6 * metrics.maeOfMedian);
  const { description } = await describeModelFile(at("run", "best.safetensors"));
  const levels = rows.filter(({ split }) => split === "train").map(({ level }) => level);
  const mean = levels.reduce((sum, level) => sum + level, 0) / levels.length;
  const deviation = Math.sqrt(levels.reduce((sum, level) => sum + (level - mean) ** 2, 0) / levels.length);
  expect(description.classNames).toEqual(["level"]);
  expect(description.target).toEqual({
    kind: "number",
    mean: expect.closeTo(mean, 10),
    deviation: expect.closeTo(deviation, 10),
  });
  expect(readFileSync(at("run", "README.md"), "utf8")).toContain("one number: level");
});

test("eval gives the figures of metrics.json, the numbers of each image and a report", async () => {
  const how = { dataPath: data, checkpoint: at("run", "best.safetensors"), threads: 1, workers: 1 } as const;
  const told = await evaluate<NumberMetrics>({ ...how, outputDir: at("eval") });
  const { mae, rmse, limitLow } = JSON.parse(readFileSync(at("run", "metrics.json"), "utf8"));
  expect(told).toMatchObject({ mae, rmse, limitLow });
  const lines = readFileSync(at("eval", "predictions.csv"), "utf8").trim().split("\n");
  expect(lines[0]).toBe("path,level,predicted");
  const errors = lines.slice(1).map((line) => {
    const [, truth, predicted] = line.split(",").map(Number) as [number, number, number];
    return Math.abs(predicted - truth);
  });
  expect(errors.reduce((a, b) => a + b, 0) / errors.length).toBeCloseTo(mae, 9);
  const report = readFileSync(at("eval", "report.html"), "utf8");
  expect(report).toContain("How well it tells the number: 32 test images");
  expect(report).toContain("Limits of agreement");
  // The chart of such a target needs no --report; its bands do.
  expect(report).toContain("Bland-Altman chart of level");
  expect(report).not.toContain("Bands are");
});

test("a report gives every figure an interval, and draws how prediction and truth agree", async () => {
  const how = { dataPath: data, checkpoint: at("run", "best.safetensors"), threads: 1, workers: 1 } as const;
  const plain = await evaluate<NumberFigures>(how);
  const told = await evaluate<NumberFigures>({ ...how, report: true, outputDir: at("report") });
  const { intervals, resampling, ...figures } = told;
  expect(plain.intervals).toBeUndefined();
  expect(figures).toMatchObject({ mae: plain.mae, limitHigh: plain.limitHigh });
  expect(resampling).toEqual({ groups: 32, mixedGroups: 0, resamples: 2000 });
  for (const name of ["mae", "r2", "bias", "limitLow", "limitHigh"] as const) {
    expect(intervals?.[name].value).toBeCloseTo(plain[name] as number, 9);
    expect(intervals?.[name].low, name).toBeLessThan(plain[name] as number);
    expect(intervals?.[name].high, name).toBeGreaterThan(plain[name] as number);
  }
  const page = readFileSync(at("report", "report.html"), "utf8");
  expect(page).toContain("Bland-Altman chart of level");
  expect(page).toContain("Bands are 95 % intervals of the bias");
  const shown = await run(["eval", "--checkpoint", "c", "--data-path", "d"], { evaluate: async () => told });
  expect(shown.stdout).toMatch(/^mae +\d\S* \(\d\S* to \d\S*\)$/m);
  expect(shown.stdout).not.toContain("bootstrap");
  const more = { ...how, report: true, subgroups: ["stripes"] } as const;
  await expect(evaluate(more)).rejects.toThrow(/subgroups: expected a checkpoint of one class or grade/);
});

test("predict says the number", async () => {
  const files = rows.filter(({ split }) => split === "test").map(({ path }) => join(data, path));
  const lines: NumberPrediction[] = [];
  for await (const line of predict<NumberPrediction>({
    checkpoint: at("run", "best.safetensors"),
    files,
    threads: 1,
  })) {
    lines.push(line as NumberPrediction);
  }
  const { mae } = JSON.parse(readFileSync(at("run", "metrics.json"), "utf8"));
  const levels = rows.filter(({ split }) => split === "test").map(({ level }) => level);
  expect(lines.every(({ name }) => name === "level")).toBe(true);
  const errors = lines.map(({ value }, i) => Math.abs(value - (levels[i] as number)));
  expect(errors.reduce((a, b) => a + b, 0) / errors.length).toBeCloseTo(mae, 3);
});

test("columns without different numbers and findings beside it are refused", async () => {
  const start = { ...training, outputDir: at("bad") };
  await expect(finetune({ ...start, number: "split" })).rejects.toThrow(/split "train" is not a number/);
  await expect(finetune({ ...start, findings: ["spot"] })).rejects.toThrow(/no --findings beside it/);
  await expect(finetune({ ...start, classWeights: "balanced" })).rejects.toThrow(/none beside --number/);
});
