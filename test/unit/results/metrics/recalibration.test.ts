import { describe, expect, test } from "vitest";
import {
  applyTemperature,
  calibrationLines,
  decisionCurve,
  fitTemperature,
} from "../../../../src/results/metrics/index.ts";
import { RandomStream } from "../../../../src/support/random.ts";

const classNames = ["no", "yes"];
const random = RandomStream.for(11, "evaluation");
/** Log-odds and truths that are true to them. */
const made = Array.from({ length: 3000 }, () => {
  const logit = 1.5 * random.normal() - 0.5;
  return { logit, label: Number(random.uniform() < 1 / (1 + Math.exp(-logit))) };
});
const labels = made.map(({ label }) => label);
const answers = (from: (logit: number) => number) =>
  made.flatMap(({ logit }) => {
    const p = 1 / (1 + Math.exp(-from(logit)));
    return [1 - p, p];
  });

describe("calibrationLines", () => {
  const lineOf = (from: (logit: number) => number, resamples = 200) =>
    calibrationLines({ classNames, labels, probabilities: answers(from), seed: 1, resamples }).perClass[1];

  test("finds what was done to calibrated probabilities, and undoes it", () => {
    const calibrated = lineOf((logit) => logit);
    expect(calibrated?.slope.low).toBeLessThan(1);
    expect(calibrated?.slope.high).toBeGreaterThan(1);
    expect(calibrated?.inTheLarge.low).toBeLessThan(0);
    expect(calibrated?.inTheLarge.high).toBeGreaterThan(0);
    const changed = lineOf((logit) => 2 * logit + 1);
    // logit = (changed − 1) / 2: a line of a line is exact.
    const slope = calibrated?.slope.value as number;
    expect(changed?.slope.value).toBeCloseTo(slope / 2, 8);
    expect(changed?.intercept.value).toBeCloseTo((calibrated?.intercept.value as number) - slope / 2, 8);
    expect(changed?.slope.high).toBeLessThan(0.6);
    expect(changed?.inTheLarge.high).toBeLessThan(0);
  });

  test("intervals are as wide as the regression's own standard errors say", () => {
    const { slope, inTheLarge } = lineOf((logit) => logit, 2000) as NonNullable<ReturnType<typeof lineOf>>;
    // Fisher's information at the truth, of both classes drawn as they come; by class the intercept is drawn less freely.
    const weights = made.map(({ logit }) => Math.exp(-logit) / (1 + Math.exp(-logit)) ** 2);
    const sum = (of: (logit: number) => number) =>
      made.reduce((total, { logit }, at) => total + (weights[at] as number) * of(logit), 0);
    const [h00, h01, h11] = [sum(() => 1), sum((x) => x), sum((x) => x * x)];
    const error = Math.sqrt(h00 / (h00 * h11 - h01 * h01));
    const width = (slope.high as number) - (slope.low as number);
    expect(width / (2 * 1.96 * error)).toBeGreaterThan(0.9);
    expect(width / (2 * 1.96 * error)).toBeLessThan(1.1);
    expect((inTheLarge.high as number) - (inTheLarge.low as number)).toBeLessThan((2 * 1.96) / Math.sqrt(h00));
  });

  test("there is none where cases are of one class, separated, or all the same", () => {
    const three = (p: number[], truth: number[]) =>
      calibrationLines({ classNames, labels: truth, probabilities: p.flatMap((yes) => [1 - yes, yes]), seed: 1 })
        .perClass[1];
    expect(three([0.1, 0.6, 0.8, 0.3], [1, 1, 1, 1])).toMatchObject({
      slope: { value: null },
      inTheLarge: { value: null },
    });
    expect(three([0.1, 0.2, 0.7, 0.8], [0, 0, 1, 1])).toMatchObject({
      slope: { value: null },
      intercept: { value: null },
    });
    for (const p of [0.1, 0.23, 0.37, 0.55, 0.7, 0.91]) {
      // Seven cases, so that sums of their logits are rounded.
      expect(three(Array(7).fill(p), [0, 0, 1, 1, 0, 1, 1])?.slope.value).toBeNull();
    }
    const same = three([0.3, 0.3, 0.3, 0.3], [0, 0, 1, 1]);
    expect(same?.slope).toMatchObject({ value: null, reason: "not defined on these cases" });
    expect(same?.inTheLarge.value).toBeCloseTo(Math.log(0.7 / 0.3), 10);
  });

  test("probabilities far too low are raised, however far the first step goes", () => {
    const probabilities = Array.from({ length: 8 }, () => [1 - 1e-6, 1e-6]).flat();
    const { perClass } = calibrationLines({ classNames, labels: [0, 1, 0, 1, 1, 0, 1, 0], probabilities, seed: 1 });
    expect(perClass[1]?.inTheLarge.value).toBeCloseTo(Math.log((1 - 1e-6) / 1e-6), 8);
  });

  test("probabilities of 0 and 1 that are wrong are borne", () => {
    const yes = [0, 1, 1, 0, 0.5, 0.2, 0.9, 0];
    const probabilities = yes.flatMap((p) => [1 - p, p]);
    const { perClass } = calibrationLines({ classNames, labels: [0, 1, 0, 1, 1, 0, 1, 0], probabilities, seed: 1 });
    expect(Number.isFinite(perClass[1]?.slope.value)).toBe(true);
    expect(Number.isFinite(perClass[1]?.inTheLarge.value)).toBe(true);
  });
});

describe("temperature", () => {
  const logits = made.flatMap(({ logit }) => [-2 * logit, 2 * logit]);

  test("is what the logits were multiplied by, and brings log-loss and ECE down", () => {
    const found = fitTemperature(logits, labels, 2);
    // Twice the log-odds on either side are four times them between the two.
    expect(found.temperature).toBeGreaterThan(3.7);
    expect(found.temperature).toBeLessThan(4.3);
    expect(found.n).toBe(3000);
    expect(found.after.logLoss).toBeLessThan(found.before.logLoss);
    expect(found.after.ece).toBeLessThan(0.03);
    expect(found.before.ece).toBeGreaterThan(0.1);
    for (const other of [0.999, 1.001]) {
      const near = applyTemperature(logits, 2, other * found.temperature);
      const loss =
        -labels.reduce((sum, label, at) => sum + Math.log(near[2 * at + label] as number), 0) / labels.length;
      expect(loss).toBeGreaterThan(found.after.logLoss);
    }
  });

  test("divides logits before the softmax, without overflow", () => {
    const [a, b, c] = applyTemperature([2000, 0, -2000, 2, 0, 1], 3, 1000);
    const sum = Math.exp(2) + 1 + Math.exp(-2);
    expect(a).toBeCloseTo(Math.exp(2) / sum, 14);
    expect(b).toBeCloseTo(1 / sum, 14);
    expect(c).toBeCloseTo(Math.exp(-2) / sum, 14);
    expect([...applyTemperature([1e4, 0], 2, 1)]).toEqual([1, 0]);
    expect(() => applyTemperature([1, 2], 2, 0)).toThrow(/temperature: expected a number above 0, got 0/);
    expect(() => applyTemperature([1, 2, 3], 2, 1)).toThrow(
      /temperature, logits: expected rows of 2 values, got 3 values/,
    );
  });

  test("is left at 1, with the reason, where all cases are right and where logits know nothing", () => {
    expect(fitTemperature([3, 0, 0, 2], [0, 1], 2)).toMatchObject({
      temperature: 1,
      reason: expect.stringMatching(/right/),
    });
    expect(fitTemperature([3, 0, 0, 2], [1, 0], 2)).toMatchObject({
      temperature: 1,
      reason: expect.stringMatching(/know/),
    });
    expect(() => fitTemperature([1, Number.NaN], [0], 2)).toThrow(/temperature, logit 1: .*NaN/);
  });
});

describe("decisionCurve", () => {
  test("treats from the threshold on; by default at every hundredth", () => {
    const { thresholds, model, treatAll, prevalence } = decisionCurve([0.5, 0.5, 0.2, 0.1], [1, 0, 1, 0]);
    expect(thresholds).toHaveLength(99);
    expect([thresholds[0], thresholds[98]]).toEqual([0.01, 0.99]);
    expect(prevalence).toBe(0.5);
    // At 0.5 one is found and one treated in vain, at even odds; at 0.2 two are found and one treated in vain, at 1 : 4.
    expect(model[49]).toBe(0);
    expect(model[19]).toBeCloseTo(2 / 4 - 1 / 16, 15);
    expect(model[98]).toBe(0);
    expect(treatAll[19]).toBeCloseTo(1 / 2 - 1 / 8, 15);
  });

  test("wants cases, and thresholds between 0 and 1", () => {
    expect(() => decisionCurve([], [])).toThrow(/decision curve: expected at least one case/);
    expect(() => decisionCurve([0.5], [1], [0.5, 1])).toThrow(
      /thresholds: expected probabilities between 0 and 1, got 1/,
    );
  });
});
