import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { classificationMetrics } from "../../src/evaluation/metrics/index.ts";

interface GoldenCase {
  kind: string;
  labels: number[];
  probabilities: number[][];
  roc: [number[], number[]][];
  confusion: number[][];
  aucPerClass: number[];
  apPerClass: number[];
  ece15: number;
  [scalar: string]: unknown;
}

// Both sides compute in float64; the orders of summation differ.
const TOLERANCE = 1e-12;
const SCALARS = [
  "accuracy",
  "balancedAccuracy",
  "f1Macro",
  "f1Weighted",
  "precisionMacro",
  "recallMacro",
  "kappa",
  "kappaQuadratic",
  "mcc",
  "logLoss",
  "brier",
] as const;

const file = join(process.env.MSMAE_GOLDENS ?? "../shared/goldens", "metrics-classification.json");
const present = existsSync(file);
const cases: GoldenCase[] = present ? JSON.parse(readFileSync(file, "utf8")) : [];

function expectClose(actual: ArrayLike<number | null>, expected: ArrayLike<number>): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    expect(Math.abs((actual[i] ?? Number.NaN) - (expected[i] as number))).toBeLessThanOrEqual(TOLERANCE);
  }
}

// Skipped, not passed, where the goldens are absent.
test.skipIf(!present)(`classification goldens${present ? "" : " SKIPPED: no ../shared/goldens"}`, () => {
  expect(cases.length).toBeGreaterThan(0);
});

describe.each(cases)("classification metrics equal scikit-learn's: $kind", (golden) => {
  const metrics = classificationMetrics({
    probabilities: golden.probabilities.flat(),
    labels: golden.labels,
    classNames: golden.confusion.map((_, k) => `class ${k}`),
    allRocPoints: true,
  });

  test("every golden quantity is compared", () => {
    const compared = [
      ...SCALARS,
      "kind",
      "labels",
      "probabilities",
      "confusion",
      "aucPerClass",
      "apPerClass",
      "roc",
      "ece15",
    ];
    expect(Object.keys(golden).filter((key) => !(compared as string[]).includes(key))).toEqual([]);
  });

  test.each(SCALARS)("%s", (name) => expectClose([metrics[name]], [golden[name] as number]));

  test("ece", () => expectClose([metrics.ece], [golden.ece15]));

  test("confusion", () => expect(metrics.confusion).toEqual(golden.confusion));

  test("auc and average precision of every class", () => {
    expectClose(
      metrics.perClass.map(({ auc }) => auc),
      golden.aucPerClass,
    );
    expectClose(
      metrics.perClass.map(({ averagePrecision }) => averagePrecision),
      golden.apPerClass,
    );
  });

  test("every point of every ROC curve", () => {
    expect(metrics.roc.length).toBe(golden.roc.length);
    for (const [k, [fpr, tpr]] of golden.roc.entries()) {
      expectClose(metrics.roc[k]?.curve?.fpr ?? [], fpr);
      expectClose(metrics.roc[k]?.curve?.tpr ?? [], tpr);
    }
  });
});
