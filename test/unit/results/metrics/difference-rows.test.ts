import { describe, expect, test } from "vitest";
import {
  CLASS_FIGURES,
  classifierDifferences,
  compareClassifiers,
  OVERALL_FIGURES,
} from "../../../../src/results/metrics/index.ts";
import { RandomStream } from "../../../../src/support/random.ts";

const random = RandomStream.for(9, "evaluation");
const classNames = ["a", "b"];
const labels = Array.from({ length: 90 }, (_, at) => at % 2);
const answersOf = (name: string, skill: number) => {
  const scores = labels.map((label) => 1 / (1 + Math.exp(-(random.normal() + skill * (label === 1 ? 1 : -1)))));
  return { name, probabilities: scores.flatMap((score) => [1 - score, score]) };
};
const models = [answersOf("good", 2), answersOf("fair", 1), answersOf("poor", 0.1)];
const found = (groups?: string[]) =>
  compareClassifiers({ models, labels, classNames, groups, seed: 1, resamples: 200 });

describe("rows of differences", () => {
  const comparison = found();
  const rows = classifierDifferences(comparison);

  test("are one for each pair, figure and class", () => {
    expect(rows).toHaveLength(3 * (OVERALL_FIGURES.length + 2 * CLASS_FIGURES.length));
    const keys = rows.map(({ first, second, metric, class: name }) => [first, second, metric, name].join());
    expect(new Set(keys).size).toBe(rows.length);
    expect(rows[0]).toMatchObject({ first: "good", second: "fair", metric: "accuracy" });
    expect(JSON.parse(JSON.stringify(rows))).toEqual(rows);
  });

  test("have the test that fits: McNemar's, DeLong's, and the bootstrap", () => {
    const [pair] = comparison.pairs;
    const { p, pHolm } = pair?.mcnemar ?? {};
    const { value: delta, low, high } = pair?.differences.accuracy ?? {};
    expect(rows[0]).toMatchObject({ delta, low, high, p, pHolm, test: "mcnemar-exact" });
    const { difference, low: from, high: to } = pair?.perClass[1]?.auc ?? {};
    const auc = rows.find(({ metric, class: name }) => metric === "auc" && name === "b");
    expect(auc).toMatchObject({ delta: difference, low: from, high: to, method: "delong", test: "delong" });
    const loss = rows.find(({ metric }) => metric === "logLoss");
    expect(loss).toMatchObject({ p: pair?.differences.logLoss.p, test: "paired-bootstrap" });
    const most = rows.find(({ second, metric }) => second === "poor" && metric === "accuracy");
    expect(most?.pHolm).toBeCloseTo(3 * (most?.p as number), 12);
  });

  test("are the bootstrap's alone where cases belong together", () => {
    const grouped = found(labels.map((_, at) => `patient ${at % 30}`));
    const all = classifierDifferences(grouped);
    expect(new Set(all.map(({ test: name, method }) => `${name} ${method}`))).toEqual(
      new Set(["paired-bootstrap bootstrap-percentile"]),
    );
    expect(all[0]?.p).toBe(grouped.pairs[0]?.differences.accuracy.p);
  });

  test("say why there is no value", () => {
    const alone = compareClassifiers({ models, labels: labels.map(() => 0), classNames, seed: 1, resamples: 40 });
    const auc = classifierDifferences(alone).find(({ metric }) => metric === "auc");
    expect(auc).toMatchObject({ delta: null, p: null, reason: expect.stringContaining("fewer than two") });
  });
});
