import { describe, expect, test } from "vitest";
import { classificationIntervals } from "../../../../src/results/metrics/index.ts";
import { RandomStream } from "../../../../src/support/random.ts";

/** Rows of three classes, the true one's share larger. */
function madeCases(n: number, seed = 3) {
  const random = RandomStream.for(seed, "evaluation");
  const labels = Array.from({ length: n }, (_, at) => at % 3);
  const probabilities = labels.flatMap((label) => {
    const weights = [0, 1, 2].map((k) => Math.exp(random.normal() + Number(k === label)));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return weights.map((weight) => weight / sum);
  });
  return { labels, probabilities, classNames: ["a", "b", "c"] };
}

const width = ({ low, high }: { low: number | null; high: number | null }) => (high as number) - (low as number);

test("the same seed gives the same intervals, another seed others; all of it survives JSON", () => {
  const cases = madeCases(60);
  const found = classificationIntervals({ ...cases, seed: 1, resamples: 200 });
  expect(classificationIntervals({ ...cases, seed: 1, resamples: 200 })).toEqual(found);
  expect(classificationIntervals({ ...cases, seed: 2, resamples: 200 })).not.toEqual(found);
  expect(JSON.parse(JSON.stringify(found))).toEqual(found);
  expect(found.resampling).toEqual({ groups: 60, mixedGroups: 0, resamples: 200 });
  expect(found.perClass.map(({ support, prevalence }) => [support, prevalence])).toEqual([
    [20, 1 / 3],
    [20, 1 / 3],
    [20, 1 / 3],
  ]);
});

test("cases three times over are no more certain when they are drawn by the patient", () => {
  const once = madeCases(60);
  const three = {
    classNames: once.classNames,
    labels: [...once.labels, ...once.labels, ...once.labels],
    probabilities: [...once.probabilities, ...once.probabilities, ...once.probabilities],
  };
  const groups = three.labels.map((_, at) => `patient ${at % 60}`);
  const alone = classificationIntervals({ ...once, seed: 1 });
  const together = classificationIntervals({ ...three, groups, seed: 1 });
  // The same groups are drawn, so that the same resamples are.
  for (const figure of ["accuracy", "aucMacro", "logLoss", "kappa", "f1Macro"] as const) {
    expect(together.figures[figure].low).toBeCloseTo(alone.figures[figure].low as number, 10);
    expect(together.figures[figure].high).toBeCloseTo(alone.figures[figure].high as number, 10);
  }
  const apart = classificationIntervals({ ...three, seed: 1 });
  expect(width(apart.figures.accuracy)).toBeLessThan(0.7 * width(together.figures.accuracy));
});

describe("a class that is all right", () => {
  const classNames = ["a", "b"];
  // Ten of either; all of class b are found, one of class a is missed.
  const labels = Array.from({ length: 20 }, (_, at) => Number(at >= 10));
  const sure = labels.map((label, at) => (at === 0 ? 0.6 : label === 1 ? 0.8 : 0.1));
  const probabilities = sure.flatMap((b) => [1 - b, b]);

  test("has Wilson's interval of as many cases as the proportion is of", () => {
    const { perClass } = classificationIntervals({ classNames, labels, probabilities, seed: 1 });
    const { sensitivity, npv, ppv } = (perClass[1] as (typeof perClass)[number]).figures;
    // statsmodels, proportion_confint(10, 10, method="wilson") and of 9 of 9.
    expect(sensitivity).toMatchObject({ value: 1, method: "wilson" });
    expect(sensitivity.high).toBeCloseTo(1, 15);
    expect(sensitivity.low).toBeCloseTo(0.7224672, 6);
    expect(npv).toMatchObject({ value: 1, method: "wilson" });
    expect(npv.low).toBeCloseTo(0.700855, 6);
    expect(ppv).toMatchObject({ value: 10 / 11, method: "bootstrap-percentile" });
  });

  test("has that of as many patients, where they are known", () => {
    const groups = labels.map((label, at) => `${label} ${at % 5}`);
    const { perClass } = classificationIntervals({ classNames, labels, probabilities, groups, seed: 1 });
    // Of 5 of 5.
    expect(perClass[1]?.figures.sensitivity.low).toBeCloseTo(0.5655175, 6);
  });
});

test("what the cases do not define is null with a reason", () => {
  const { figures, perClass } = classificationIntervals({
    classNames: ["a", "b"],
    labels: [0, 0, 0],
    probabilities: [0.9, 0.1, 0.7, 0.3, 0.2, 0.8],
    seed: 1,
  });
  const reason = "not defined on these cases";
  expect(figures.aucMacro).toMatchObject({ value: null, low: null, high: null, reason });
  expect(perClass[1]?.figures.sensitivity).toMatchObject({ value: null, low: null, reason });
  expect(perClass[1]?.figures.ppv.value).toBe(0);
  expect(figures.accuracy.value).toBeCloseTo(2 / 3, 15);
});

test("a resample without a class that occurs has no mean over classes", () => {
  // The one patient with class c also has a: drawn among such patients, c is missing from more than 5 % of resamples.
  const cases = madeCases(30);
  const labels = cases.labels.map((label, at) => (at === 2 ? 2 : label % 2));
  const groups = labels.map((_, at) => (at < 3 ? "p" : at < 6 ? "q" : at < 9 ? "r" : `${at}`));
  const { figures, resampling } = classificationIntervals({ ...cases, labels, groups, seed: 1 });
  expect(resampling).toMatchObject({ groups: 24, mixedGroups: 3 });
  for (const figure of ["balancedAccuracy", "f1Macro", "aucMacro", "averagePrecisionMacro"] as const) {
    expect(figures[figure].reason).toMatch(/^not defined on \d+ of 2000 resamples$/);
  }
  expect(figures.accuracy.reason).toBeUndefined();
});

test("one case has figures and no interval", () => {
  const { figures } = classificationIntervals({
    classNames: ["a", "b"],
    labels: [0],
    probabilities: [0.9, 0.1],
    seed: 1,
  });
  expect(figures.accuracy).toMatchObject({ value: 1, low: null, reason: expect.stringContaining("nothing to draw") });
});
