import { describe, expect, test } from "vitest";
import {
  groupedStratifiedFolds,
  groupedStratifiedSplit,
  groupKey,
  stratifiedFolds,
  stratifiedSplit,
} from "../../../../src/data/splits/split.ts";
import { RandomStream } from "../../../../src/support/random.ts";

interface Row {
  path: string;
  label: number;
  group?: string;
}

/** Patients of 1 to `largest` images; most have images of one class, some of several. */
function patients(count: number, largest: number, classes: number, seed = 3): Row[] {
  const stream = RandomStream.for(seed, "split", 99);
  return Array.from({ length: count }, (_, patient) => {
    const main = Math.floor(stream.uniform() ** 2 * classes);
    return Array.from({ length: stream.integer(1, largest) }, (_, at): Row => {
      const label = stream.uniform() < 0.15 ? stream.integer(0, classes - 1) : main;
      return { path: `${patient}-${at}.png`, label, group: `p${patient}` };
    });
  }).flat();
}

const counts = (rows: readonly Row[], classes: number) =>
  Array.from({ length: classes }, (_, label) => rows.filter((row) => row.label === label).length);
const keys = (rows: readonly Row[]) => new Set(rows.map(groupKey));
function common(a: readonly Row[], b: readonly Row[]): string[] {
  const others = keys(b);
  return [...keys(a)].filter((key) => others.has(key));
}

describe("groupedStratifiedSplit", () => {
  test.each([0, 1, 2, 3, 4])("parts no group and keeps each class's share within 2 %%, seed %i", (seed) => {
    const rows = patients(600, 6, 4);
    const [kept, moved] = groupedStratifiedSplit(rows, 0.2, seed, "test");
    expect(common(kept, moved)).toEqual([]);
    expect(new Set([...kept, ...moved]).size).toBe(rows.length);
    const all = counts(rows, 4);
    for (const [label, count] of counts(moved, 4).entries()) {
      expect(Math.abs(count / (all[label] as number) - 0.2)).toBeLessThan(0.02);
    }
  });

  test("depends on the seed and the split's name, and keeps the order", () => {
    const rows = patients(60, 4, 3);
    const draw = (seed: number, name: "val" | "test" = "val") => groupedStratifiedSplit(rows, 0.2, seed, name)[1];
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
    expect(draw(1)).not.toEqual(draw(1, "test"));
    expect(draw(1)).toEqual(rows.filter((row) => draw(1).includes(row)));
  });

  test("every class of two groups or more stands on both sides, however unequal they are", () => {
    const sizes = [
      [50, 40],
      [30, 1],
      [10, 10],
    ];
    const rows = sizes.flatMap(([first = 0, second = 0], label) =>
      [first, second].flatMap((size, group) =>
        Array.from({ length: size }, (_, at): Row => ({ path: `${label}/${at}`, label, group: `${label}-${group}` })),
      ),
    );
    for (const seed of [0, 1, 2, 3]) {
      const [kept, moved] = groupedStratifiedSplit(rows, 0.1, seed, "val");
      expect(counts(kept, 3).every((count) => count > 0)).toBe(true);
      expect(counts(moved, 3).every((count) => count > 0)).toBe(true);
      // The smaller group of each class comes nearest to the tenth that is wanted.
      expect(counts(moved, 3)).toEqual([40, 1, 10]);
    }
  });

  test("a class of one group stays whole, and a share of 0 moves nothing", () => {
    const rows = patients(30, 3, 2).map((row) => (row.label === 1 ? { ...row, group: "one" } : row));
    const [kept] = groupedStratifiedSplit(rows, 0.3, 0, "val");
    expect(counts(kept, 2)[1]).toBe(counts(rows, 2)[1]);
    expect(groupedStratifiedSplit(rows, 0, 0, "val")[1]).toEqual([]);
  });

  test("pictures of one file stay together without a group", () => {
    const rows = Array.from({ length: 40 }, (_, at): Row => ({ path: `${at >> 2}.dcm`, label: at & 1 }));
    const [kept, moved] = groupedStratifiedSplit(rows, 0.2, 5, "test");
    expect([kept.length, moved.length]).toEqual([32, 8]);
    expect(common(kept, moved)).toEqual([]);
  });
});

describe("folds", () => {
  test("stratifiedFolds deals each class and the whole evenly, by the seed", () => {
    const rows = [23, 11, 4].flatMap((count, label) => Array.from({ length: count }, () => ({ label })));
    const fold = stratifiedFolds(rows, 5, 1);
    const sizes = [0, 1, 2, 3, 4].map((at) => fold.filter((value) => value === at).length);
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    for (const label of [0, 1, 2]) {
      const held = [0, 1, 2, 3, 4].map(
        (at) => fold.filter((value, i) => value === at && rows[i]?.label === label).length,
      );
      expect(Math.max(...held) - Math.min(...held)).toBeLessThanOrEqual(1);
    }
    expect(stratifiedFolds(rows, 5, 1)).toEqual(fold);
    expect(stratifiedFolds(rows, 5, 2)).not.toEqual(fold);
  });

  test("groupedStratifiedFolds parts no group and keeps class shares even", () => {
    const rows = patients(400, 5, 3);
    const fold = groupedStratifiedFolds(rows, 4, 7);
    const inFold = [0, 1, 2, 3].map((at) => rows.filter((_, i) => fold[i] === at));
    const seen = inFold.map(keys);
    expect(seen.reduce((sum, set) => sum + set.size, 0)).toBe(400);
    const all = counts(rows, 3);
    for (const part of inFold) {
      for (const [label, count] of counts(part, 3).entries()) {
        expect(Math.abs(count / (all[label] as number) - 0.25)).toBeLessThan(0.015);
      }
    }
    expect(groupedStratifiedFolds(rows, 4, 7)).toEqual(fold);
    expect(groupedStratifiedFolds(rows, 4, 8)).not.toEqual(fold);
  });
});

test("splits and folds of 200,000 samples take linear time", () => {
  const rows = patients(57_000, 6, 5);
  const started = performance.now();
  stratifiedSplit(rows, 0.2, 0, "val");
  groupedStratifiedSplit(rows, 0.2, 0, "val");
  groupedStratifiedFolds(rows, 5, 0);
  // Quadratic time would be minutes.
  expect(performance.now() - started).toBeLessThan(20_000);
});
