import { describe, expect, test } from "vitest";
import {
  aggregateGroups,
  aggregationCandidates,
  bestAggregation,
  type GroupedCasesInput,
  groupCases,
} from "../../../../src/results/metrics/index.ts";
import { RandomStream } from "../../../../src/support/random.ts";

/** Two groups of two classes, b of three cases. */
const binary: GroupedCasesInput = {
  classNames: ["no", "yes"],
  probabilities: [0.9, 0.1, 0.4, 0.6, 0.8, 0.2, 0.7, 0.3],
  labels: [0, 0, 1, 0],
  groups: ["a", "b", "b", "b"],
  ordered: false,
};
const three = {
  classNames: ["x", "y", "z"],
  probabilities: [0.6, 0.3, 0.1, 0.1, 0.5, 0.4, 0.2, 0.2, 0.6],
  groups: ["a", "a", "b"],
};

describe("groupCases", () => {
  test("of two classes a group is positive where any case is", () => {
    const { names, members, labels, mixed } = groupCases(binary);
    expect({ names, members, labels, mixed }).toEqual({
      names: ["a", "b"],
      members: [[0], [1, 2, 3]],
      labels: [0, 1],
      mixed: 1,
    });
  });

  test("grades give the highest, classes without an order none", () => {
    const mixed = { ...three, labels: [1, 0, 2] };
    expect(groupCases({ ...mixed, ordered: true })).toMatchObject({ labels: [1, 2], mixed: 1 });
    expect(groupCases({ ...mixed, ordered: false })).toMatchObject({ labels: [undefined, 2], mixed: 1 });
    expect(groupCases({ ...three, labels: [1, 1, 2], ordered: false })).toMatchObject({ labels: [1, 2], mixed: 0 });
    expect(() => groupCases({ ...mixed, ordered: false, groups: ["a"] })).toThrow(/groups of cases: expected 3/);
  });
});

describe("aggregateGroups", () => {
  const rows = (input: GroupedCasesInput, aggregation: Parameters<typeof aggregateGroups>[2]) =>
    Array.from(aggregateGroups(input, groupCases(input), aggregation), (value) => Number(value.toFixed(12)));

  test("of two classes aggregates the positive one", () => {
    expect(rows(binary, "mean").slice(0, 2)).toEqual([0.9, 0.1]);
    expect(rows(binary, "mean")[3]).toBeCloseTo(1.1 / 3, 10);
    expect(rows(binary, "max")).toEqual([0.9, 0.1, 0.4, 0.6]);
    expect(rows(binary, "top-2")).toEqual([0.9, 0.1, 0.55, 0.45]);
    expect(rows(binary, "top-9")).toEqual(rows(binary, "mean"));
  });

  test("of classes without an order aggregates each, to a distribution", () => {
    const input = { ...three, labels: [0, 0, 2], ordered: false };
    expect(rows(input, "mean")).toEqual([0.35, 0.4, 0.25, 0.2, 0.2, 0.6]);
    expect(rows(input, "max")).toEqual([
      0.4,
      Number((0.5 / 1.5).toFixed(12)),
      Number((0.4 / 1.5).toFixed(12)),
      0.2,
      0.2,
      0.6,
    ]);
  });

  test("of grades aggregates the probabilities of at least each", () => {
    const input = { ...three, labels: [0, 0, 2], ordered: true };
    expect(rows(input, "mean")).toEqual([0.35, 0.4, 0.25, 0.2, 0.2, 0.6]);
    // At least y: 0.4 and 0.9; at least z: 0.1 and 0.4.
    expect(rows(input, "max")).toEqual([0.1, 0.5, 0.4, 0.2, 0.2, 0.6]);
  });
});

describe("aggregationCandidates", () => {
  const random = RandomStream.for(4, "evaluation");
  /** Patients of eight images, of whose positive ones `share` show the finding. */
  function patients(share: number, noise: number): GroupedCasesInput {
    const probabilities: number[] = [];
    const labels: number[] = [];
    const groups: string[] = [];
    for (let patient = 0; patient < 60; patient++) {
      for (let image = 0; image < 8; image++) {
        const shows = patient % 2 === 1 && image < 8 * share;
        const p = 1 / (1 + Math.exp(-(noise * random.normal() + (shows ? 3 : -3))));
        probabilities.push(1 - p, p);
        labels.push(patient % 2);
        groups.push(`${patient}`);
      }
    }
    return { classNames: ["no", "yes"], probabilities, labels, groups, ordered: false };
  }

  test("a finding of single images asks for the largest, noise in all for the mean", () => {
    expect(bestAggregation(aggregationCandidates(patients(1 / 8, 0.5)))).toBe("max");
    expect(bestAggregation(aggregationCandidates(patients(1, 4)))).toBe("mean");
    const third = aggregationCandidates(patients(3 / 8, 1.5));
    expect(third.map(({ aggregation }) => aggregation)).toEqual(["mean", "max", "top-2", "top-3", "top-5"]);
    expect(["top-2", "top-3"]).toContain(bestAggregation(third));
  });

  test("there are none where no group has several cases, and of equal ones the first is best", () => {
    expect(aggregationCandidates({ ...binary, groups: ["a", "b", "c", "d"] })).toEqual([]);
    expect(bestAggregation([])).toBeUndefined();
    const same = [0.2, 0.1, 0.1].map((logLoss, at) => ({
      aggregation: (["mean", "max", "top-2"] as const)[at] ?? "mean",
      logLoss,
    }));
    expect(bestAggregation(same)).toBe("max");
  });
});
