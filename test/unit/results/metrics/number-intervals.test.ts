import { expect, test } from "vitest";
import {
  NUMBER_FIGURES,
  numberIntervals,
  numberMetrics,
  numberStatistic,
} from "../../../../src/results/metrics/index.ts";
import { RandomStream } from "../../../../src/support/random.ts";
import sklearn from "./sklearn-number.json" with { type: "json" };

const truth = sklearn.truth.map((value) => value ?? Number.NaN);
const { predicted } = sklearn;
const cases = truth.length;

test("a resample's figures are those of its cases, each as often as it was drawn", () => {
  const random = RandomStream.for(5, "evaluation");
  const times = Uint32Array.from({ length: cases }, () => random.integer(0, 3));
  const rows = [...times.keys()].flatMap((at) => Array<number>(times[at] as number).fill(at));
  const want = numberMetrics({
    predicted: rows.map((at) => predicted[at] as number),
    truth: rows.map((at) => truth[at] as number),
  });
  const got = numberStatistic({ predicted, truth })(times);
  for (const figure of NUMBER_FIGURES) expect(got[figure], figure).toBeCloseTo(want[figure] as number, 10);
  expect(got.bias).not.toBeCloseTo(numberMetrics({ predicted, truth }).bias, 6);
});

test("intervals hold the figures, those of the limits of agreement too, and draw patients", () => {
  const groups = Array.from({ length: cases }, (_, at) => `patient ${at % 9}`);
  const { figures, resampling } = numberIntervals({ predicted, truth, groups, seed: 3, resamples: 400 });
  expect(resampling).toEqual({ groups: 9, mixedGroups: 0, resamples: 400 });
  const metrics = numberMetrics({ predicted, truth });
  for (const figure of NUMBER_FIGURES) {
    const { value, low, high } = figures[figure];
    expect(value, figure).toBeCloseTo(metrics[figure] as number, 10);
    expect(low, figure).toBeLessThan(value as number);
    expect(high, figure).toBeGreaterThan(value as number);
  }
});

test("limits of agreement vary as Bland and Altman's standard error says", () => {
  const random = RandomStream.for(6, "evaluation");
  const n = 400;
  const errors = Array.from({ length: n }, () => 3 * random.normal());
  const { figures } = numberIntervals({ predicted: errors, truth: new Float64Array(n), seed: 1 });
  const { bias, limitHigh } = figures;
  const deviation = ((limitHigh.value as number) - (bias.value as number)) / 1.96;
  const width = ({ low, high }: typeof bias) => (high as number) - (low as number);
  // Source: Bland & Altman 1986: √(s²/n) and √(3 s²/n); 2 × 1.96 of them, within the error of drawing.
  expect(width(bias) / (3.92 * Math.sqrt(deviation ** 2 / n))).toBeCloseTo(1, 0.9);
  expect(width(limitHigh) / (3.92 * Math.sqrt((3 * deviation ** 2) / n))).toBeCloseTo(1, 0.9);
});

test("a resample without a known number defines nothing", () => {
  const found = numberStatistic({ predicted: [1, 2], truth: [Number.NaN, 4] })(Uint32Array.of(1, 0));
  expect(Object.values(found)).toEqual(NUMBER_FIGURES.map(() => null));
});
