import { describe, expect, test } from "vitest";
import {
  compareFindings,
  delongTest,
  FINDING_FIGURES,
  FINDINGS_FIGURES,
  findingsIntervals,
  findingsMetrics,
  findingsStatistic,
  pairedDifferences,
  wilsonInterval,
} from "../../../../src/results/metrics/index.ts";
import { RandomStream } from "../../../../src/support/random.ts";
import sklearn from "./sklearn-findings.json" with { type: "json" };

const names = ["a", "b", "c"];
const truth = sklearn.truth.map((value) => value ?? Number.NaN);
const { probabilities, thresholds } = sklearn;
const input = { probabilities, truth, names, thresholds };
const random = RandomStream.for(4, "evaluation");

test("a resample's figures are those of its cases, each as often as it was drawn", () => {
  const times = Uint32Array.from({ length: 40 }, () => random.integer(0, 2));
  const rows = [...times.keys()].flatMap((at) => Array<number>(times[at] as number).fill(at));
  const of = (values: readonly number[]) => rows.flatMap((at) => values.slice(3 * at, 3 * at + 3));
  const { perFinding, ...overall } = findingsMetrics({ ...input, probabilities: of(probabilities), truth: of(truth) });
  const found = findingsStatistic(input)(times);
  for (const figure of FINDINGS_FIGURES) expect(found[figure], figure).toBeCloseTo(overall[figure] as number, 12);
  perFinding.forEach((figures, k) => {
    for (const figure of FINDING_FIGURES) {
      expect(found[`${k} ${figure}`], `${k} ${figure}`).toBeCloseTo(figures[figure] as number, 12);
    }
  });
  // The resample is another set than the cases, so that counts matter.
  expect(found.logLoss).not.toBeCloseTo(findingsMetrics(input).logLoss as number, 6);
});

test("a mean over findings is none where a resample lacks one of them", () => {
  const rare = { ...input, truth: truth.map((value, at) => (at % 3 === 2 ? Number(at === 2) : value)) };
  const times = new Uint32Array(40).fill(1);
  expect(findingsStatistic(rare)(times).aucMean).not.toBeNull();
  times[0] = 0;
  const without = findingsStatistic(rare)(times);
  expect(without).toMatchObject({ "2 auc": null, "2 sensitivity": null, aucMean: null });
  expect(without["0 auc"]).not.toBeNull();
  const { figures, perFinding } = findingsIntervals({ ...rare, seed: 1, resamples: 200 });
  expect(figures.aucMean).toMatchObject({ low: null, reason: expect.stringContaining("of 200 resamples") });
  expect(perFinding[2]).toMatchObject({ finding: "c", prevalence: 1 / 40 });
});

describe("intervals of findings", () => {
  const groups = Array.from({ length: 40 }, (_, at) => `patient ${at % 13}`);

  test("hold the figures, and draw patients", () => {
    const { figures, perFinding, resampling } = findingsIntervals({ ...input, groups, seed: 2, resamples: 400 });
    const metrics = findingsMetrics(input);
    expect(resampling).toEqual({ groups: 13, mixedGroups: 0, resamples: 400 });
    expect(figures.aucMean.value).toBeCloseTo(metrics.aucMean as number, 12);
    for (const { low, value, high } of Object.values(figures)) {
      expect(low).toBeLessThan(value as number);
      expect(high).toBeGreaterThan(value as number);
    }
    expect(perFinding[1]?.figures.specificity.value).toBe(metrics.perFinding[1]?.specificity);
    expect(JSON.parse(JSON.stringify(perFinding))).toEqual(perFinding);
  });

  test("are Wilson's for a sensitivity of 1, of as many cases as patients with the finding", () => {
    const easy = { ...input, thresholds: [0, 0, 0], groups, seed: 2, resamples: 100 };
    const there = new Set(groups.filter((_, at) => truth[3 * at] === 1)).size;
    const [low, high] = wilsonInterval(1, there);
    const figures = findingsIntervals(easy).perFinding[0]?.figures;
    expect(figures?.sensitivity).toEqual({ value: 1, low, high, method: "wilson" });
    expect(figures?.specificity).toMatchObject({ value: 0, method: "wilson" });
  });
});

describe("models of findings", () => {
  const noisy = probabilities.map((value) => Math.min(1, Math.max(0, value + 0.3 * random.normal())));
  const models = [
    { name: "good", probabilities, thresholds },
    { name: "poor", probabilities: noisy, thresholds: [0.5, 0.5, 0.5] },
  ];
  const plain = compareFindings({ models, truth, names, seed: 1, resamples: 200 });
  const row = ({ differences }: typeof plain, metric: string, of?: string) =>
    differences.find((one) => one.metric === metric && one.class === of);

  test("are told apart by DeLong's test on the cases of which the finding is known", () => {
    const known = [...truth.keys()].filter((at) => at % 3 === 1 && !Number.isNaN(truth[at]));
    const of = (values: readonly number[]) => known.map((at) => values[at] as number);
    const { difference, low, high, p } = delongTest(of(probabilities), of(noisy), of(truth));
    expect(row(plain, "auc", "b")).toEqual({
      ...{ first: "good", second: "poor", metric: "auc", class: "b", delta: difference, low, high, p, pHolm: p },
      ...{ method: "delong", test: "delong" },
    });
    expect(known.length).toBeLessThan(40);
  });

  test("by the paired bootstrap for all else, each model at its own thresholds", () => {
    const statistics = models.map((model) => findingsStatistic({ ...model, truth, names }));
    const { pairs } = pairedDifferences({ cases: 40, models: statistics, seed: 1, resamples: 200 });
    const want = pairs[0]?.differences;
    expect(row(plain, "aucMean")).toMatchObject({
      delta: want?.aucMean.value,
      low: want?.aucMean.low,
      p: want?.aucMean.p,
    });
    expect(row(plain, "f1", "c")).toMatchObject({ delta: want?.["2 f1"]?.value, high: want?.["2 f1"]?.high });
  });

  test("and for areas too where cases belong together", () => {
    const groups = Array.from({ length: 40 }, (_, at) => `patient ${at % 13}`);
    const grouped = compareFindings({ models, truth, names, groups, seed: 1, resamples: 200 });
    expect(row(grouped, "auc", "b")).toMatchObject({ test: "paired-bootstrap", method: "bootstrap-percentile" });
    expect(row(grouped, "auc", "b")?.delta).toBeCloseTo(row(plain, "auc", "b")?.delta as number, 12);
  });
});
