import { expect, test } from "vitest";
import { resolveClassWeights } from "../../../../src/training/tasks/class-weights.ts";
import torch from "../../method/nn/torch-losses.json" with { type: "json" };

const counts = { normal: 7, rare: 2, common: 11 };

test("balanced weights are scikit-learn's", () => {
  expect(Object.values(counts)).toEqual(torch.balanced.counts);
  expect(resolveClassWeights("balanced", counts)).toEqual(torch.balanced.weights);
});

test("weights are taken as given, none means none", () => {
  expect(resolveClassWeights("1, 2.5,0", counts)).toEqual([1, 2.5, 0]);
  expect(resolveClassWeights("none", counts)).toBeUndefined();
});

test("too many weights and empty classes are named", () => {
  expect(() => resolveClassWeights("1,2", counts)).toThrow(/3 weights, for normal, rare, common, got 2/);
  expect(() => resolveClassWeights("balanced", { ...counts, missing: 0 })).toThrow(/got none of missing/);
});
