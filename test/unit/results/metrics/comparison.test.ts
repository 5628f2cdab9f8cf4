import { describe, expect, test } from "vitest";
import {
  compareClassifiers,
  delongTest,
  mcnemarTest,
  pairedDifferences,
} from "../../../../src/results/metrics/index.ts";
import { RandomStream } from "../../../../src/support/random.ts";

const random = RandomStream.for(8, "evaluation");
const classNames = ["a", "b", "c"];
const labels = Array.from({ length: 150 }, (_, at) => at % 3);
const answersOf = (skill: number) =>
  labels.flatMap((label) => {
    const weights = [0, 1, 2].map((k) => Math.exp(random.normal() + skill * Number(k === label)));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return weights.map((weight) => weight / sum);
  });
const good = { name: "good", probabilities: answersOf(2.5) };
const poor = { name: "poor", probabilities: answersOf(0.3) };
const alike = { name: "alike", probabilities: good.probabilities };

describe("compareClassifiers", () => {
  const found = compareClassifiers({ models: [good, poor, alike], labels, classNames, seed: 1, resamples: 400 });

  test("tests all pairs, the first less the second", () => {
    expect(found.pairs.map(({ first, second }) => `${first} ${second}`)).toEqual([
      "good poor",
      "good alike",
      "poor alike",
    ]);
    const [better, same, worse] = found.pairs;
    expect(better?.differences.accuracy.low).toBeGreaterThan(0.1);
    expect(better?.differences.logLoss.high).toBeLessThan(0);
    expect(worse?.differences.accuracy.value).toBe(-(better?.differences.accuracy.value as number));
    expect(same?.differences.accuracy).toMatchObject({ value: 0, low: 0, high: 0, p: 1, pHolm: 1 });
    expect(better?.perClass.map(({ class: name }) => name)).toEqual(classNames);
    expect(better?.perClass[1]?.auc.difference).toBeCloseTo(better?.perClass[1]?.differences.auc.value as number, 12);
    expect(same?.perClass[0]?.auc).toMatchObject({ difference: 0, low: 0, high: 0, z: null, p: 1 });
    expect(JSON.parse(JSON.stringify(found))).toEqual(found);
  });

  test("corrects each kind of test for the number of pairs", () => {
    const [better, , worse] = found.pairs;
    const smallest = 2 / 401;
    expect(better?.differences.accuracy).toMatchObject({ p: smallest, pHolm: 3 * smallest });
    // The second smallest of equals is held at the first's.
    expect(worse?.differences.accuracy).toMatchObject({ p: smallest, pHolm: 3 * smallest });
    expect(better?.mcnemar.pHolm).toBeCloseTo(3 * (better?.mcnemar.p as number), 12);
    expect(better?.perClass[0]?.auc.pHolm).toBeCloseTo(3 * (better?.perClass[0]?.auc.p as number), 12);
  });

  test("two models need no correction; one is refused", () => {
    const two = compareClassifiers({ models: [good, poor], labels, classNames, seed: 1, resamples: 40 });
    expect(two.pairs[0]?.mcnemar.pHolm).toBe(two.pairs[0]?.mcnemar.p);
    expect(() => compareClassifiers({ models: [good], labels, classNames, seed: 1 })).toThrow(/at least two, got 1/);
  });
});

describe("pairedDifferences", () => {
  const hard = Array.from({ length: 80 }, () => random.normal());
  const meanOf = (values: readonly number[]) => (times: Uint32Array) => ({
    mean: values.reduce((sum, value, at) => sum + value * (times[at] as number), 0) / 80,
  });
  const slightly = hard.map((value) => value + 0.05 + 0.02 * random.normal());

  test("see a small difference through what cases have in common", () => {
    const { pairs } = pairedDifferences({ cases: 80, seed: 1, models: [meanOf(slightly), meanOf(hard)] });
    const mean = pairs[0]?.differences.mean;
    expect(mean?.low).toBeGreaterThan(0.04);
    expect(mean?.high).toBeLessThan(0.06);
    expect(mean?.p).toBe(2 / 2001);
  });

  test("are null where either statistic is", () => {
    const { pairs } = pairedDifferences({ cases: 80, seed: 1, models: [meanOf(hard), () => ({ mean: null })] });
    expect(pairs[0]?.differences.mean).toMatchObject({ value: null, low: null, p: null, pHolm: null });
  });
});

test("DeLong: scores of the same order have the same AUC for certain; too few cases have no test", () => {
  const scores = [0.1, 0.4, 0.35, 0.8, 0.5];
  const positive = [0, 0, 1, 1, 1];
  const raised = scores.map((score) => 3 * score + 1);
  expect(delongTest(scores, raised, positive)).toMatchObject({ difference: 0, low: 0, high: 0, z: null, p: 1 });
  expect(delongTest(scores, raised, [0, 0, 0, 0, 1])).toMatchObject({
    auc: [null, null],
    difference: null,
    p: null,
    reason: "fewer than two positives or fewer than two negatives",
  });
  expect(() => delongTest(scores, [1], positive)).toThrow(/scores: expected 5, .*got 1/);
});

test("DeLong: a perfect order against the reverse of it differs for certain", () => {
  expect(delongTest([1, 2, 3, 4], [4, 3, 2, 1], [0, 0, 1, 1])).toMatchObject({ difference: 1, z: null, p: 0 });
});

test("McNemar: from 25 disagreements on by chi-squared, where equal numbers are no difference", () => {
  const models = (firstOnly: number, secondOnly: number) => {
    const first = Array.from({ length: firstOnly + secondOnly }, (_, at) => Number(at < firstOnly));
    return mcnemarTest(
      first,
      first.map((right) => 1 - right),
    );
  };
  expect(models(12, 12)).toMatchObject({ method: "exact-binomial", statistic: null, p: 1 });
  expect(models(13, 12)).toMatchObject({ method: "chi-squared", statistic: 0, p: 1 });
  expect(models(13, 13)).toMatchObject({ method: "chi-squared", statistic: 0, p: 1 });
});
