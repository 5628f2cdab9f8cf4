import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Evaluation, evaluate } from "../../src/inference/evaluate.ts";
import type { ClassPrediction } from "../../src/inference/outcomes/classes.ts";
import { predict } from "../../src/inference/predict.ts";
import { describeModelFile } from "../../src/interop/model-file.ts";
import type { GradeFigures } from "../../src/training/targets/grades-target.ts";
import { finetune } from "../../src/training/tasks/finetune.ts";
import { PICTURE_TRAINING, writeFindingPictures } from "../support/finding-pictures.ts";

const folder = mkdtempSync(join(tmpdir(), "msmae-grades-"));
const at = (...names: string[]) => join(folder, ...names);
const data = at("data");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** In another order than the alphabet's. */
const GRADES = ["none", "mild", "severe"];
const training = { ...PICTURE_TRAINING, dataPath: data, grades: GRADES, outputDir: at("run") } as const;

beforeAll(async () => {
  const rows = await writeFindingPictures(data, { train: 96, val: 32, test: 32 });
  const lines = rows.map(
    ({ path, split, level }) => `${path},${split},${GRADES[Math.min(2, Math.floor((level - 20) / 20))]}`,
  );
  writeFileSync(join(data, "dataset.csv"), `path,split,label\n${lines.join("\n")}\n`);
});

test("grades are learned in their order, scored by the quadratic kappa", async () => {
  const { kappaQuadratic } = await finetune<GradeFigures>(training);
  expect(kappaQuadratic).toBeGreaterThan(0.6);
  const { description } = await describeModelFile(at("run", "best.safetensors"));
  expect(description).toMatchObject({ classNames: GRADES, target: { kind: "grades" }, config: { numClasses: 2 } });
  const log = readFileSync(at("run", "log.txt"), "utf8").trim().split("\n");
  const kappas = log.map((line) => JSON.parse(line).test_kappa_quadratic as number);
  expect(kappas[description.epoch]).toBe(Math.max(...kappas));
  const confusion: number[][] = JSON.parse(readFileSync(at("run", "metrics.json"), "utf8")).confusion;
  expect(confusion).toHaveLength(3);
});

test("eval gives the figures of metrics.json, with the report as well, and predict a probability for each grade", async () => {
  const how = { dataPath: data, checkpoint: at("run", "best.safetensors"), threads: 1, workers: 1 } as const;
  const metrics = JSON.parse(readFileSync(at("run", "metrics.json"), "utf8"));
  const told: Evaluation = await evaluate(how);
  expect(told).toMatchObject({ kappaQuadratic: metrics.kappaQuadratic, accuracy: metrics.accuracy });
  const clinical = await evaluate({ ...how, report: true });
  expect(clinical).toMatchObject({ accuracy: metrics.accuracy });
  for await (const line of predict<ClassPrediction>({
    checkpoint: how.checkpoint,
    files: [join(data, "test-0.png")],
    threads: 1,
  })) {
    const { class: grade, probabilities } = line as ClassPrediction;
    expect(Object.keys(probabilities)).toEqual(GRADES);
    expect(Object.values(probabilities).reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
    expect(probabilities[grade]).toBe(Math.max(...Object.values(probabilities)));
  }
});

test("classes that are no grade, and other targets beside them, are refused", async () => {
  const start = { ...training, outputDir: at("bad") };
  await expect(finetune({ ...start, grades: ["none", "mild", "proliferative"] })).rejects.toThrow(/severe/);
  await expect(finetune({ ...start, number: "level" })).rejects.toThrow(/grades.*no --number beside it/);
  await expect(finetune({ ...start, loss: "focal" })).rejects.toThrow(/ce beside --grades/);
});
