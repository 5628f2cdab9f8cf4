import { describe, expect, test } from "vitest";
import { bestThresholds, findingsMetrics } from "../../../../src/results/metrics/index.ts";
import sklearn from "./sklearn-findings.json" with { type: "json" };

const names = ["a", "b", "c"];
const truth = sklearn.truth.map((value) => value ?? Number.NaN);
const { probabilities, thresholds } = sklearn;

describe("three findings of 40 images with ties and gaps, as scikit-learn has them", () => {
  const metrics = findingsMetrics({ probabilities, truth, names, thresholds });

  test.each([0, 1, 2])("finding %i", (k) => {
    const { bestF1: _best, ...want } = sklearn.perFinding[k] as (typeof sklearn.perFinding)[number];
    const got = metrics.perFinding[k];
    for (const [name, value] of Object.entries(want)) {
      expect(got?.[name as keyof typeof want], name).toBeCloseTo(value, 12);
    }
  });

  test("means over the findings, and over all that is known for the log loss", () => {
    const mean = (name: "auc" | "averagePrecision" | "f1") =>
      sklearn.perFinding.reduce((sum, figures) => sum + figures[name], 0) / 3;
    expect(metrics.aucMean).toBeCloseTo(mean("auc"), 12);
    expect(metrics.averagePrecisionMean).toBeCloseTo(mean("averagePrecision"), 12);
    expect(metrics.f1Mean).toBeCloseTo(mean("f1"), 12);
    const known = sklearn.perFinding.reduce((sum, figures) => sum + figures.known, 0);
    const all = sklearn.perFinding.reduce((sum, figures) => sum + figures.known * figures.logLoss, 0);
    expect(metrics.logLoss).toBeCloseTo(all / known, 12);
    expect(metrics.n).toBe(40);
  });

  test("the chosen thresholds give the best F1 that any gives", () => {
    const chosen = bestThresholds({ probabilities, truth, names });
    const { perFinding } = findingsMetrics({ probabilities, truth, names, thresholds: chosen });
    expect(perFinding.map(({ f1 }) => f1?.toFixed(12))).toEqual(
      sklearn.perFinding.map(({ bestF1 }) => bestF1.toFixed(12)),
    );
  });
});

test("a threshold lies between the probabilities that it parts, the highest of equally good ones", () => {
  const chosen = bestThresholds({ probabilities: [0.9, 0.6, 0.2, 0.1], truth: [1, 1, 0, 0], names: ["a"] });
  expect(chosen).toEqual([Math.fround(0.4)]);
  // At 0.9 and at all three: F1 2/3 each.
  expect(bestThresholds({ probabilities: [0.9, 0.5, 0.3, 0.1], truth: [1, 0, 0, 1], names: ["a"] })).toEqual([
    Math.fround(0.7),
  ]);
});

test("what images do not define is null, and their thresholds are one half", () => {
  const truth = [1, Number.NaN, 0, 1, Number.NaN, 0];
  const probabilities = [0.7, 0.2, 0.3, 0.8, 0.3, 0.1];
  const input = { probabilities, truth, names };
  expect(bestThresholds(input)).toEqual([0.5, 0.5, 0.5]);
  const [there, unknown, lacking] = findingsMetrics({ ...input, thresholds: [0.5, 0.5, 0.5] }).perFinding;
  expect(there).toMatchObject({ auc: null, averagePrecision: 1, f1: 1, sensitivity: 1, specificity: null });
  expect(unknown).toMatchObject({ known: 0, auc: null, averagePrecision: null, f1: null, logLoss: null });
  expect(lacking).toMatchObject({ auc: null, averagePrecision: null, f1: null, sensitivity: null, specificity: 1 });
});

test("what is no probability or no finding is named, and sizes must fit", () => {
  const right = { probabilities: [0.5], truth: [1], names: ["a"], thresholds: [0.5] };
  expect(() => findingsMetrics({ ...right, probabilities: [Number.NaN] })).toThrow(/image 0, finding 0.*NaN and 1/);
  expect(() => findingsMetrics({ ...right, truth: [0.5] })).toThrow(/0.5 and 0.5/);
  expect(() => findingsMetrics({ ...right, thresholds: [] })).toThrow(/0 thresholds/);
});
