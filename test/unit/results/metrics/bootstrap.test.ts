import { describe, expect, test } from "vitest";
import { bootstrapEstimates, bootstrapIntervals } from "../../../../src/results/metrics/index.ts";
import { RandomStream } from "../../../../src/support/random.ts";

const VALUES = Array.from({ length: 40 }, (_, i) => ((i * i * 37 + 11 * i) % 101) / 100);
/** Seven, of four to six cases. */
const GROUPS = VALUES.map((_, i) => `patient ${(i * i) % 13}`);

function meanOf(values: readonly number[], times: Uint32Array): number | null {
  let [sum, n] = [0, 0];
  times.forEach((count, at) => {
    sum += count * (values[at] as number);
    n += count;
  });
  return n === 0 ? null : sum / n;
}

const input = { cases: VALUES.length, seed: 1, statistic: (times: Uint32Array) => ({ mean: meanOf(VALUES, times) }) };

describe("intervals equal SciPy's percentile bootstrap within the error of drawing", () => {
  // scipy.stats.bootstrap of 400,000 resamples. The tolerance is four standard errors of the 2.5th percentile of 20,000.
  const resamples = 20_000;

  test("of a mean and of a median, by one set of draws", () => {
    const median = (times: Uint32Array) => {
      const all = VALUES.flatMap((value, at) => Array<number>(times[at] as number).fill(value)).sort((a, b) => a - b);
      return ((all[19] as number) + (all[20] as number)) / 2;
    };
    const statistic = (times: Uint32Array) => ({ mean: meanOf(VALUES, times), median: median(times) });
    const { intervals, groups } = bootstrapIntervals({ ...input, resamples, statistic });
    expect(groups).toBe(40);
    expect(Math.abs((intervals.mean.low as number) - 0.415)).toBeLessThan(0.003);
    expect(Math.abs((intervals.mean.high as number) - 0.56825)).toBeLessThan(0.003);
    expect(intervals.median).toMatchObject({ low: 0.38, high: 0.645, method: "bootstrap-percentile" });
  });

  test("of a mean over cases that are drawn by the group", () => {
    const { intervals, groups } = bootstrapIntervals({ ...input, resamples, groups: GROUPS });
    expect(groups).toBe(7);
    expect(Math.abs((intervals.mean.low as number) - 0.39028)).toBeLessThan(0.004);
    expect(Math.abs((intervals.mean.high as number) - 0.58286)).toBeLessThan(0.004);
  });
});

describe("about 95 of 100 intervals hold the truth", () => {
  const share = 0.3;
  const random = RandomStream.for(5, "evaluation");
  /** 300 sets of 60 answers, `alike` of which in a row are the same. */
  const sets = (alike: number) =>
    Array.from({ length: 300 }, () => {
      const answers = Array.from({ length: 60 / alike }, () => Number(random.uniform() < share));
      return answers.flatMap((answer) => Array<number>(alike).fill(answer));
    });
  const covered = (all: number[][], groups?: string[]) => {
    const holds = all.filter((answers, seed) => {
      const statistic = (times: Uint32Array) => ({ share: meanOf(answers, times) });
      const { low, high } = bootstrapIntervals({ cases: 60, groups, seed, resamples: 400, statistic }).intervals.share;
      return (low as number) <= share && share <= (high as number);
    });
    return holds.length / all.length;
  };

  test("of independent cases", () => {
    const found = covered(sets(1));
    expect(found).toBeGreaterThan(0.91);
    expect(found).toBeLessThan(0.98);
  });

  test("of cases that are alike in their group, only if they are drawn by the group", () => {
    const all = sets(3);
    const groups = Array.from({ length: 60 }, (_, at) => `patient ${Math.floor(at / 3)}`);
    expect(covered(all, groups)).toBeGreaterThan(0.87);
    expect(covered(all)).toBeLessThan(0.8);
  });
});

test("the same seed gives the same intervals, another seed others", () => {
  const first = bootstrapIntervals(input);
  expect(first.resamples).toBe(2000);
  expect(bootstrapIntervals(input)).toEqual(first);
  expect(bootstrapIntervals({ ...input, seed: 2 })).not.toEqual(first);
});

test("a case without a group is drawn for itself", () => {
  const groups = GROUPS.map((group, at) => (at < 10 ? undefined : group));
  expect(bootstrapIntervals({ ...input, groups }).groups).toBe(10 + 7);
  expect(bootstrapIntervals({ ...input, groups: VALUES.map(() => undefined) })).toEqual(bootstrapIntervals(input));
});

describe("within strata", () => {
  /** 30 of 0, then 10 of 1. */
  const strata = VALUES.map((_, at) => Number(at >= 30));
  const countsOf = (groups: (string | undefined)[] | undefined, resamples = 40) => {
    const seen: number[][] = [];
    const statistic = (times: Uint32Array) => {
      seen.push([0, 1].map((stratum) => times.reduce((sum, n, at) => sum + (strata[at] === stratum ? n : 0), 0)));
      return { none: 0 };
    };
    const { mixedGroups } = bootstrapEstimates({ cases: 40, groups, strata, seed: 1, resamples, statistic });
    return { seen, mixedGroups };
  };

  test("every resample has as many cases of each as there are", () => {
    const { seen, mixedGroups } = countsOf(undefined);
    expect(seen).toHaveLength(41);
    expect(new Set(seen.map(String))).toEqual(new Set(["30,10"]));
    expect(mixedGroups).toBe(0);
  });

  test("as many groups of each, whatever their sizes", () => {
    // Pairs of one stratum each.
    const { seen, mixedGroups } = countsOf(VALUES.map((_, at) => `pair ${Math.floor(at / 2)}`));
    expect(new Set(seen.map(String))).toEqual(new Set(["30,10"]));
    expect(mixedGroups).toBe(0);
  });

  test("groups of several are drawn among themselves", () => {
    // Ten groups of one case of either, ten pairs of stratum 0.
    const groups = VALUES.map((_, at) => (at >= 20 ? `both ${at % 10}` : `pair ${Math.floor(at / 2)}`));
    const { seen, mixedGroups } = countsOf(groups);
    expect(mixedGroups).toBe(10);
    expect(new Set(seen.map(String))).toEqual(new Set(["30,10"]));
  });

  test("the only group of a stratum is in every resample once", () => {
    const only = VALUES.map((_, at) => Number(at === 7));
    const statistic = (times: Uint32Array) => ({ seventh: times[7] as number });
    const { seventh } = bootstrapIntervals({ ...input, strata: only, statistic }).intervals;
    expect([seventh.low, seventh.high]).toEqual([1, 1]);
  });

  test("all cases of one stratum are drawn as without", () => {
    expect(bootstrapIntervals({ ...input, strata: VALUES.map(() => 3) })).toEqual(bootstrapIntervals(input));
  });
});

describe("what resamples say against 0", () => {
  const against = (shift: number, resamples = 2000) => {
    const statistic = (times: Uint32Array) => ({ mean: (meanOf(VALUES, times) as number) - shift });
    return bootstrapEstimates({ ...input, resamples, statistic });
  };

  test("is twice the share beyond it, as SciPy's resamples have it", () => {
    // Of 400,000 of scipy.stats.bootstrap 0.02566 of means are at most 0.4153. The tolerance is four standard errors.
    const { p, figures } = against(0.4153, 20_000);
    expect(Math.abs((p.mean as number) - 2 * 0.02566)).toBeLessThan(0.009);
    expect(figures.mean.value).toBeCloseTo(0.4925 - 0.4153, 12);
  });

  test("is about 1 at the mean itself, never 0, and not there without an interval", () => {
    expect(against(0.4925).p.mean).toBeGreaterThan(0.9);
    expect(against(-3).p.mean).toBe(2 / 2001);
    expect(bootstrapEstimates({ ...input, cases: 1 }).p.mean).toBeNull();
  });
});

describe("there is no interval, and a reason,", () => {
  const none = (reason: string) => ({ low: null, high: null, method: "bootstrap-percentile", reason });

  test("of one case, and of cases of one group", () => {
    const reason = none("fewer than two groups of cases: nothing to draw anew");
    expect(bootstrapIntervals({ ...input, cases: 1 }).intervals.mean).toEqual(reason);
    expect(bootstrapIntervals({ ...input, groups: VALUES.map(() => "one patient") }).intervals.mean).toEqual(reason);
  });

  test("of no case, for what is then undefined", () => {
    expect(bootstrapIntervals({ ...input, cases: 0 }).intervals.mean).toEqual(none("not defined on these cases"));
  });

  test("where more than one in twenty resamples leaves a statistic undefined, while fewer are left out", () => {
    // A statistic of one case of 40 is undefined on (1 − 1/40)^40 = 36 % of resamples, one of three of them on 4.5 %.
    const statistic = (times: Uint32Array) => ({
      one: meanOf(
        VALUES,
        times.map((count, at) => (at < 1 ? count : 0)),
      ),
      three: meanOf(
        VALUES,
        times.map((count, at) => (at < 3 ? count : 0)),
      ),
    });
    const { one, three } = bootstrapIntervals({ ...input, statistic }).intervals;
    expect(one.reason).toMatch(/^not defined on 7\d\d of 2000 resamples$/);
    expect(three.reason).toBeUndefined();
    expect(three.low).toBe(Math.min(...VALUES.slice(0, 3)));
    expect(three.high).toBe(Math.max(...VALUES.slice(0, 3)));
  });
});

test("groups of another number of cases and too few resamples are refused", () => {
  expect(() => bootstrapIntervals({ ...input, groups: ["a"] })).toThrow(/groups of cases: expected 40, .*got 1/);
  expect(() => bootstrapIntervals({ ...input, strata: [1] })).toThrow(/strata of cases: expected 40, .*got 1/);
  expect(() => bootstrapIntervals({ ...input, resamples: 39 })).toThrow(/resamples: expected .*at least 40, got 39/);
});
