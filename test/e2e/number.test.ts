import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { evaluate } from "../../src/inference/evaluate.ts";
import type { NumberPrediction } from "../../src/inference/outcomes/number.ts";
import { predict } from "../../src/inference/predict.ts";
import { describeModelFile } from "../../src/interop/model-file.ts";
import type { NumberMetrics } from "../../src/results/metrics/index.ts";
import type { NumberFigures } from "../../src/training/targets/number-target.ts";
import { finetune } from "../../src/training/tasks/finetune.ts";
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
  const { mae, r2 } = await finetune<NumberFigures>(training);
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
