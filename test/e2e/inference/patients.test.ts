import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import type { Evaluation } from "../../../src/inference/evaluate.ts";
import { classifier, writePicture } from "../micro-models.ts";
import { at, checkpoints, msmae } from "./scene.ts";

const root = at("patients");
const table = (path: string): string[][] =>
  readFileSync(path, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => line.split(","));
const argvOf = (outputDir: string) =>
  ["eval", "--checkpoint", checkpoints.classifier, "--data-path", root, "--output-dir", outputDir] as const;

beforeAll(async () => {
  const lines = ["path,label,split,patient_id"];
  for (let i = 0; i < 33; i++) {
    await writePicture(join(root, `${i}.png`), 500 + i);
    // Patients of three images each, the last of test with two classes.
    const patient = Math.floor(i / 3);
    const label = i === 20 ? (patient + 1) % 3 : patient % 3;
    lines.push(`${i}.png,${classifier.classNames[label]},${i < 21 ? "test" : "val"},p${patient}`);
  }
  writeFileSync(join(root, "dataset.csv"), `${lines.join("\n")}\n`);
});

test("figures and predictions of patients follow from those of their images, as validation chose", () => {
  const outputDir = at("by-patient");
  const { code, lines, stderr } = msmae(...argvOf(outputDir), "--report");
  expect(code, stderr).toBe(0);
  const { patients } = lines[0] as unknown as Evaluation;
  expect(patients).toMatchObject({ of: "patient", n: 6, images: 18, mostImages: 3, mixed: 1, leftOut: 1 });
  expect(patients?.chosenOn).toMatchObject({ n: 4, by: "logLoss" });
  const [titles, ...rows] = table(join(outputDir, "predictions-by-patient.csv"));
  expect(titles?.slice(0, 4)).toEqual(["patient", "images", "class", "predicted"]);
  expect(rows.map(([patient, images]) => [patient, images])).toEqual(
    Array.from({ length: 7 }, (_, patient) => [`p${patient}`, "3"]),
  );
  expect(rows[6]?.[2]).toBe("");
  // The aggregation once more, from the images' own lines.
  const images = table(join(outputDir, "predictions.csv")).slice(1);
  const take = { mean: 3, max: 1, "top-2": 2 }[patients?.aggregation as "mean" | "max" | "top-2"];
  for (const [patient, row] of rows.entries()) {
    const own = images.slice(3 * patient, 3 * patient + 3).map((line) => line.slice(3).map(Number));
    const raw = [0, 1, 2].map((k) => {
      const largest = own.map((values) => values[k] as number).sort((a, b) => b - a);
      return largest.slice(0, take).reduce((sum, value) => sum + value, 0);
    });
    const sum = raw.reduce((a, b) => a + b);
    for (const [k, value] of raw.entries()) expect(Number(row[4 + k])).toBeCloseTo(value / sum, 10);
  }
  const right = rows.filter(([, , truth, predicted]) => truth === predicted).length;
  expect(patients?.figures.accuracy.value).toBeCloseTo(right / 6, 12);
  expect(readFileSync(join(outputDir, "report.html"), "utf8")).toContain("<h3>Per patient</h3>");
});

test("without a report there is no such table, also where an earlier evaluation left one", () => {
  const outputDir = at("by-patient");
  expect(msmae(...argvOf(outputDir), "--overwrite").code).toBe(0);
  expect(() => readFileSync(join(outputDir, "predictions-by-patient.csv"))).toThrow(/ENOENT/);
});
