import { describe, expect, test } from "vitest";
import { bootstrapIntervals } from "../../../../src/results/metrics/index.ts";
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
  expect(() => bootstrapIntervals({ ...input, resamples: 39 })).toThrow(/resamples: expected .*at least 40, got 39/);
});
