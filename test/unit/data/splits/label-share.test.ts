import { describe, expect, test } from "vitest";
import { labelledShare } from "../../../../src/data/splits/label-share.ts";
import { RandomStream } from "../../../../src/support/random.ts";

interface Row {
  path: string;
  label: number;
  group?: string;
  values?: number[];
}

const shares = [0.01, 0.05, 0.1, 0.25, 0.5, 0.9, 1];

/** One image a file, of classes of unequal size, in no order. */
function images(...sizes: number[]): Row[] {
  const rows = sizes.flatMap((size, label) =>
    Array.from({ length: size }, (_, at): Row => ({ path: `${label}/${at}.png`, label })),
  );
  return [...RandomStream.for(1, "split", 99).permutation(rows.length)].map((at) => rows[at] as Row);
}

/** Patients of 1 to 6 images; most have images of one class, some of several. */
function patients(count: number, classes: number): Row[] {
  const stream = RandomStream.for(3, "split", 99);
  return Array.from({ length: count }, (_, patient) => {
    const main = Math.floor(stream.uniform() ** 2 * classes);
    return Array.from({ length: stream.integer(1, 6) }, (_, at): Row => {
      const label = stream.uniform() < 0.15 ? stream.integer(0, classes - 1) : main;
      return { path: `${patient}-${at}.png`, label, group: `p${patient}` };
    });
  }).flat();
}

const chosen = (rows: readonly Row[], share: number, seed = 0, what: "labels" | "findings" = "labels") => {
  const used = labelledShare(rows, share, seed, what);
  return rows.filter((_, at) => used[at]);
};
const counts = (rows: readonly Row[], classes: number) =>
  Array.from({ length: classes }, (_, label) => rows.filter((row) => row.label === label).length);

describe("labelledShare", () => {
  test("takes the rounded share of each class, and at least one image", () => {
    const rows = images(200, 50, 7, 1);
    expect(counts(chosen(rows, 0.05), 4)).toEqual([10, 3, 1, 1]);
    expect(counts(chosen(rows, 0.25), 4)).toEqual([50, 13, 2, 1]);
    expect(counts(chosen(rows, 0.5), 4)).toEqual([100, 25, 4, 1]);
    expect(chosen(rows, 1)).toEqual(rows);
  });

  test("draws by the seed alone", () => {
    const rows = images(100, 100);
    expect(chosen(rows, 0.1, 4)).toEqual(chosen(rows, 0.1, 4));
    expect(chosen(rows, 0.1, 4)).not.toEqual(chosen(rows, 0.1, 5));
  });

  test.each([
    ["images", images(200, 50, 7, 1)],
    ["patients", patients(300, 4)],
  ])("what a share of %s takes, every larger share takes too", (_, rows) => {
    for (const seed of [0, 1, 2]) {
      for (const [at, share] of shares.slice(1).entries()) {
        const larger = new Set(chosen(rows, share, seed));
        const smaller = chosen(rows, shares[at] as number, seed);
        expect(smaller.filter((row) => !larger.has(row))).toEqual([]);
        expect(smaller.length).toBeLessThan(larger.size);
      }
    }
  });

  test.each([0, 1, 2, 3])("parts no patient, and keeps each class's share within 0.05, seed %i", (seed) => {
    const rows = patients(1200, 4);
    const all = counts(rows, 4);
    for (const share of [0.1, 0.25, 0.5]) {
      const used = chosen(rows, share, seed);
      const held = new Set(used.map(({ group }) => group));
      expect(rows.filter(({ group }) => held.has(group))).toEqual(used);
      for (const [label, count] of counts(used, 4).entries()) {
        expect(Math.abs(count / (all[label] as number) - share)).toBeLessThan(0.05);
      }
    }
  });

  test("a class that stands in the groups of rarer ones only has an image at every share", () => {
    // Class 0 is the commonest, and never the rarest of a patient.
    const rows = Array.from({ length: 40 }, (_, patient): Row[] =>
      [patient < 2 ? 0 : 1 + (patient % 2), 1 + (patient % 2)].map((label, at) => ({
        path: `${patient}-${at}.png`,
        label,
        group: `p${patient}`,
      })),
    ).flat();
    const padded = [...rows, ...images(0, 0, 0, 3)];
    for (const seed of [0, 1, 2, 3, 4]) {
      for (const share of shares) {
        expect(counts(chosen(padded, share, seed), 4).every((count) => count > 0)).toBe(true);
      }
    }
  });

  test("shares out findings, and images without any, as it does classes", () => {
    const stream = RandomStream.for(7, "split", 99);
    const odds = [0.3, 0.1, 0.02];
    const rows = Array.from({ length: 2000 }, (_, at): Row => {
      const values = odds.map((odd) => (stream.uniform() < 0.1 ? Number.NaN : Number(stream.uniform() < odd)));
      return { path: `${at}.png`, label: 0, values };
    });
    const having = (of: readonly Row[], k: number) => of.filter(({ values }) => values?.[k] === 1).length;
    const none = (of: readonly Row[]) => of.filter(({ values }) => !values?.includes(1)).length;
    for (const share of [0.05, 0.25]) {
      const used = chosen(rows, share, 0, "findings");
      for (const k of odds.keys()) expect(Math.abs(having(used, k) / having(rows, k) - share)).toBeLessThan(0.05);
      expect(none(used)).toBe(Math.round(share * none(rows)));
    }
  });
});
