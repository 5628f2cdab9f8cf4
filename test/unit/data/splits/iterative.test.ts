import { describe, expect, test } from "vitest";
import { type Findings, iterativeFolds, iterativeSplit } from "../../../../src/data/splits/iterative.ts";
import { RandomStream } from "../../../../src/support/random.ts";

/** 400 samples of a frequent, a rare and a very rare finding, some left open. */
function samplesOf(grouped: boolean): Findings[] {
  const stream = RandomStream.for(1, "phantom");
  return Array.from({ length: 400 }, (_, i) => ({
    label: 0,
    path: `${i}.png`,
    ...(grouped && { group: `p${Math.floor(i / 4)}` }),
    values: [0.4, 0.1, 0.03].map((share) => (stream.uniform() < 0.05 ? Number.NaN : stream.uniform() < share ? 1 : 0)),
  }));
}

const positives = (samples: readonly Findings[], k: number) => samples.filter(({ values }) => values?.[k] === 1).length;

describe("a split of several findings", () => {
  const samples = samplesOf(false);
  const [kept, moved] = iterativeSplit(samples, 0.2, 7, "val");

  test("gives each finding its share to within one sample, and the set its size", () => {
    for (const k of [0, 1, 2]) expect(Math.abs(positives(moved, k) - 0.2 * positives(samples, k))).toBeLessThan(1.5);
    expect(Math.abs(moved.length - 80)).toBeLessThanOrEqual(1);
    expect(kept.length + moved.length).toBe(400);
  });

  test("keeps the order of the samples, and depends on seed and split alone", () => {
    const order = new Map(samples.map((sample, at) => [sample, at]));
    for (const part of [kept, moved]) {
      const places = part.map((sample) => order.get(sample) as number);
      expect(places).toEqual([...places].sort((a, b) => a - b));
    }
    expect(iterativeSplit(samples, 0.2, 7, "val")[1]).toEqual(moved);
    expect(iterativeSplit(samples, 0.2, 8, "val")[1]).not.toEqual(moved);
    expect(iterativeSplit(samples, 0.2, 7, "test")[1]).not.toEqual(moved);
  });

  test("moves nothing for a share of 0", () => {
    expect(iterativeSplit(samples, 0, 7, "val")).toEqual([samples, []]);
  });

  test("never parts a group", () => {
    const grouped = samplesOf(true);
    const [first, second] = iterativeSplit(grouped, 0.25, 7, "test");
    const groups = new Set(first.map(({ group }) => group));
    expect(second.some(({ group }) => groups.has(group))).toBe(false);
    for (const k of [0, 1]) expect(Math.abs(positives(second, k) / positives(grouped, k) - 0.25)).toBeLessThan(0.08);
  });
});

test("folds hold each finding to within one or two, the rarest most evenly", () => {
  const samples = samplesOf(false);
  const fold = iterativeFolds(samples, 5, 3);
  const folds = [0, 1, 2, 3, 4].map((own) => samples.filter((_, at) => fold[at] === own));
  const spread = (k: number) => {
    const counts = folds.map((own) => positives(own, k));
    return Math.max(...counts) - Math.min(...counts);
  };
  expect(spread(2)).toBeLessThanOrEqual(1);
  expect(spread(1)).toBeLessThanOrEqual(2);
  expect(spread(0)).toBeLessThanOrEqual(2);
  const sizes = folds.map(({ length }) => length);
  expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(2);
});
