import { expect, test } from "vitest";
import { curveBands } from "../../../../src/results/metrics/index.ts";
import { RandomStream } from "../../../../src/support/random.ts";

const random = RandomStream.for(4, "evaluation");
const labels = Array.from({ length: 200 }, (_, at) => Number(at % 4 === 0));
const probabilities = labels.flatMap((label) => {
  const p = 1 / (1 + Math.exp(-(random.normal() + 1.5 * label)));
  return [1 - p, p];
});
const input = { classNames: ["no", "yes"], labels, probabilities, seed: 1 };

test("curves run over a hundred steps, within their bands", () => {
  const { perClass, resampling } = curveBands({ ...input, resamples: 200 });
  expect(resampling).toEqual({ groups: 200, mixedGroups: 0, resamples: 200 });
  const { class: name, prevalence, roc, precisionRecall } = perClass[1] as (typeof perClass)[number];
  expect([name, prevalence]).toEqual(["yes", 0.25]);
  for (const { at, value, low, high } of [roc, precisionRecall]) {
    expect(at).toHaveLength(101);
    expect([at[0], at[50], at[100]]).toEqual([0, 0.5, 1]);
    value.forEach((point, index) => {
      // The estimate may lie at the edge of a percentile interval, not far out of it.
      expect(low[index]).toBeLessThanOrEqual((point as number) + 0.03);
      expect(high[index]).toBeGreaterThanOrEqual((point as number) - 0.03);
    });
  }
  expect([roc.value[100], roc.low[100], roc.high[100]]).toEqual([1, 1, 1]);
});

test("a point's band is what its statistic's resamples give: the sensitivity where no negative is called", () => {
  // Of positives 9 and 7 are above all negatives (6 at most); a resample has Binomial(4, 1/2) of 4 in such places, or more
  // where negatives are low.
  const scores = [9, 7, 3, 1, 6, 2, 2, 2];
  const { perClass } = curveBands({
    classNames: ["no", "yes"],
    labels: [1, 1, 1, 1, 0, 0, 0, 0],
    probabilities: scores.flatMap((score) => [1 - score / 10, score / 10]),
    seed: 1,
    steps: 4,
  });
  const roc = perClass[1]?.roc;
  expect(roc?.value).toEqual([0.5, 0.75, 0.75, 0.75, 1]);
  expect([roc?.low[0], roc?.high[0]]).toEqual([0, 1]);
});

test("there is no curve of a class that all or none have", () => {
  const { perClass } = curveBands({ ...input, labels: labels.map(() => 0), resamples: 40, steps: 2 });
  expect(perClass[0]?.roc.value).toEqual([null, null, null]);
  expect(perClass[0]?.precisionRecall.value).toEqual([1, 1, 1]);
  expect(perClass[1]?.precisionRecall).toMatchObject({ value: [null, null, null], low: [null, null, null] });
});
