import { expect, test } from "vitest";
import { type NumberMetrics, numberMetrics } from "../../../../src/results/metrics/index.ts";
import sklearn from "./sklearn-number.json" with { type: "json" };

test("figures of a number with gaps are those of scikit-learn and NumPy", () => {
  const truth = sklearn.truth.map((value) => value ?? Number.NaN);
  const got = numberMetrics({ predicted: sklearn.predicted, truth });
  expect(Object.keys(got).sort()).toEqual(Object.keys(sklearn.figures).sort());
  for (const [name, value] of Object.entries(sklearn.figures)) {
    expect(got[name as keyof NumberMetrics], name).toBeCloseTo(value, 10);
  }
});

test("what images do not define is null", () => {
  expect(numberMetrics({ predicted: [3], truth: [1] })).toMatchObject({
    mae: 2,
    bias: 2,
    r2: null,
    correlation: null,
    limitLow: null,
    limitHigh: null,
  });
});

test("no known number and predictions that are not finite are errors", () => {
  expect(() => numberMetrics({ predicted: [3], truth: [Number.NaN] })).toThrow(/got none/);
  expect(() => numberMetrics({ predicted: [Infinity, 1], truth: [1, 2] })).toThrow(/got Infinity/);
  expect(numberMetrics({ predicted: [Infinity, 1], truth: [Number.NaN, 2] }).n).toBe(1);
});
