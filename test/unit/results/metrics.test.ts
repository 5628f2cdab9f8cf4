import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { areaUnderRoc, averagePrecision, classificationMetrics, rocCurve } from "../../../src/results/metrics/index.ts";

const base = {
  classNames: ["a", "b", "c"],
  labels: [0, 1, 2],
  probabilities: [0.6, 0.3, 0.1, 0.2, 0.5, 0.3, 0.3, 0.3, 0.4],
};

describe("bad input is a named error", () => {
  const change = (index: number, value: number): number[] => base.probabilities.with(index, value);
  test.each([
    ["NaN probability", { probabilities: change(4, Number.NaN) }, "Data", /row 1, class 1: .*NaN; look for non-finite/],
    ["negative probability", { probabilities: change(4, -0.1) }, "Data", /row 1, class 1: expected a probability/],
    ["logits", { probabilities: change(4, 3.5) }, "Data", /row 1, class 1.*got 3.5; pass the softmax/],
    [
      "row not summing to 1",
      { probabilities: change(4, 0.7) },
      "Data",
      /row 1: expected probabilities that sum to 1, got 1\.2/,
    ],
    ["label too large", { labels: [0, 3, 2] }, "Data", /label 1: expected an integer in 0..2, got 3/],
    ["label negative", { labels: [0, -1, 2] }, "Data", /label 1/],
    ["label not whole", { labels: [0, 1.5, 2] }, "Data", /label 1/],
    ["no images", { labels: [], probabilities: [] }, "Data", /at least one image/],
    ["one class", { classNames: ["a"], labels: [0], probabilities: [1] }, "Data", /at least 2 classes, got 1/],
    ["missing rows", { labels: [0, 1] }, "Shape", /\[2, 3\] = 6 values, got 9 values/],
  ])("%s", (_, part, code, message) => {
    const run = () => classificationMetrics({ ...base, ...part });
    expect(run).toThrow(message);
    expect(run).toThrow(expect.objectContaining({ code }));
  });

  test("rows that float32 softmax leaves slightly off 1 are accepted", () => {
    expect(() => classificationMetrics({ ...base, probabilities: base.probabilities.with(4, 0.5002) })).not.toThrow();
  });
});

describe("classes that do not occur", () => {
  test("an absent class has no AUC, the mean is over the others, and the reason is given", () => {
    const metrics = classificationMetrics({
      classNames: ["a", "b", "c"],
      labels: [0, 0, 1, 1],
      probabilities: [0.7, 0.2, 0.1, 0.4, 0.5, 0.1, 0.5, 0.4, 0.1, 0.1, 0.8, 0.1],
    });
    expect(metrics.perClass[2]).toEqual({
      class: "c",
      support: 0,
      precision: 0,
      recall: 0,
      f1: 0,
      auc: null,
      averagePrecision: null,
    });
    expect(metrics.roc[2]).toEqual({ class: "c", curve: null });
    expect(metrics.aucMacro).toBe(0.75);
    // Neither true nor predicted: it leaves the means of F1 and recall alone.
    expect(metrics.f1Macro).toBeCloseTo(0.5, 15);
    expect(metrics.balancedAccuracy).toBe(0.5);
    expect(metrics.undefinedMetrics).toEqual([
      { metric: "auc", class: "c", reason: "no image of this class" },
      { metric: "averagePrecision", class: "c", reason: "no image of this class" },
    ]);
  });

  test("images all of one class: AUC and kappa are null with reasons, the rest is there", () => {
    const metrics = classificationMetrics({
      classNames: ["a", "b"],
      labels: [0, 0],
      probabilities: [0.9, 0.1, 0.8, 0.2],
    });
    expect(metrics.aucMacro).toBeNull();
    expect(metrics.kappaQuadratic).toBeNull();
    expect(metrics.accuracy).toBe(1);
    expect(metrics.mcc).toBe(0);
    expect(metrics.perClass[0]?.averagePrecision).toBe(1);
    expect(metrics.undefinedMetrics.map(({ metric, class: name }) => `${metric} ${name ?? ""}`.trim())).toEqual([
      "auc a",
      "auc b",
      "averagePrecision b",
      "aucMacro",
      "kappa",
      "kappaQuadratic",
    ]);
  });

  test("the result survives JSON unchanged", () => {
    const metrics = classificationMetrics(base);
    expect(JSON.parse(JSON.stringify(metrics))).toEqual(metrics);
  });

  test("log-loss stays finite where the true class got probability 0", () => {
    const metrics = classificationMetrics({ classNames: ["a", "b"], labels: [0, 1], probabilities: [0, 1, 0, 1] });
    expect(metrics.logLoss).toBeCloseTo((52 * Math.LN2) / 2, 10);
  });
});

describe("rocCurve", () => {
  // Values of sklearn.metrics.roc_curve on its own documentation example, and with one straight run added.
  test("points and thresholds of scikit-learn's documentation example", () => {
    expect(rocCurve([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])).toEqual({
      fpr: [0, 0, 0.5, 0.5, 1],
      tpr: [0, 0.5, 0.5, 1, 1],
      thresholds: [null, 0.8, 0.4, 0.35, 0.1],
    });
  });

  test("dropCollinear keeps the first point, the corners and the end", () => {
    const scores = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4];
    expect(rocCurve(scores, [1, 1, 1, 0, 0, 0], { dropCollinear: true })).toEqual({
      fpr: [0, 0, 0, 1],
      tpr: [0, 1 / 3, 1, 1],
      thresholds: [null, 0.9, 0.7, 0.4],
    });
  });

  test("is undefined without positives or negatives", () => {
    expect(rocCurve([0.1, 0.2], [0, 0])).toBeUndefined();
    expect(rocCurve([0.1, 0.2], [1, 1])).toBeUndefined();
    expect(averagePrecision([0.1, 0.2], [0, 0])).toBeUndefined();
  });

  const samples = fc.array(fc.record({ score: fc.integer({ min: 0, max: 8 }), positive: fc.boolean() }), {
    minLength: 2,
    maxLength: 40,
  });

  test("its area equals the share of positive-negative pairs in the right order, ties one half, with and without dropped points", () => {
    fc.assert(
      fc.property(samples, (rows) => {
        const scores = rows.map(({ score }) => score / 8);
        const positive = rows.map((row) => Number(row.positive));
        const curve = rocCurve(scores, positive);
        const dropped = rocCurve(scores, positive, { dropCollinear: true });
        if (curve === undefined || dropped === undefined) return;
        let wins = 0;
        let pairs = 0;
        for (const high of rows.filter((row) => row.positive)) {
          for (const low of rows.filter((row) => !row.positive)) {
            pairs++;
            wins += high.score > low.score ? 1 : high.score === low.score ? 0.5 : 0;
          }
        }
        expect(areaUnderRoc(curve)).toBeCloseTo(wins / pairs, 12);
        expect(areaUnderRoc(dropped)).toBeCloseTo(wins / pairs, 12);
      }),
    );
  });
});

test("a prediction with tied probabilities is the first of the tied classes", () => {
  const metrics = classificationMetrics({
    classNames: ["a", "b"],
    labels: [0, 1],
    probabilities: [0.5, 0.5, 0.5, 0.5],
  });
  expect(metrics.confusion).toEqual([
    [1, 0],
    [1, 0],
  ]);
});

test("a confidence on a bin's upper edge falls into that bin", () => {
  const { calibration } = classificationMetrics({ classNames: ["a", "b"], labels: [0], probabilities: [0.6, 0.4] });
  expect(calibration.findIndex(({ count }) => count === 1)).toBe(8);
  expect(calibration[8]).toEqual({ from: 8 / 15, to: 9 / 15, count: 1, confidence: 0.6, accuracy: 1 });
  expect(calibration[0]).toEqual({ from: 0, to: 1 / 15, count: 0, confidence: null, accuracy: null });
});
