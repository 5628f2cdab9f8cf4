import { expect, test } from "vitest";
import { smoothFindings, valueFeeds } from "../../../src/method/value-feeds.ts";

const nan = Number.NaN;

test("what is not known weighs nothing, the rest the same, and all together 1", () => {
  const { valueTargets, valueWeights } = valueFeeds(Float32Array.of(1, nan, 0, 1));
  expect([...valueTargets]).toEqual([1, 0, 0, 1]);
  expect([...valueWeights]).toEqual([1, 0, 1, 1].map((weight) => Math.fround(weight / 3)));
  expect([...valueFeeds(Float32Array.of(nan, nan)).valueWeights]).toEqual([0, 0]);
});

test("of mixed images a target is that of those who know it, and weighs as their share", () => {
  // Two images of three values; image 0 has three quarters of itself.
  const values = Float32Array.of(1, nan, nan, 0, 1, nan);
  const mixes = [
    { share: 0.75, otherShare: 0.25, box: undefined },
    { share: 0.75, otherShare: 0.25, box: undefined },
  ];
  const { valueTargets, valueWeights } = valueFeeds(values, mixes);
  expect([...valueTargets]).toEqual([0.75, 1, 0, 0.25, 1, 0]);
  const weights = [1, 0.25, 0, 1, 0.75, 0];
  expect([...valueWeights]).toEqual(weights.map((weight) => Math.fround(weight / 3)));
});

test("smoothing brings findings nearer to one half, and leaves open what is", () => {
  const smooth = smoothFindings(Float32Array.of(1, 0, nan), 0.2);
  expect([...smooth]).toEqual([Math.fround(0.9), Math.fround(0.1), nan]);
});
