import { MsmaeError } from "../../support/errors.ts";
import { RandomStream } from "../../support/random.ts";
import { quantileOf } from "./quantile.ts";

const TAIL = 0.025;
/** Of resamples that may leave a statistic undefined: as many as lie outside of the interval. */
const MOST_UNDEFINED = 2 * TAIL;
const RESAMPLES = 2000;

/** Where a statistic would lie, 95 times of 100, if other cases of the same kind had been drawn. */
export interface Interval {
  /** null where there is no interval. */
  low: number | null;
  high: number | null;
  method: "bootstrap-percentile";
  /** Why there is no interval. */
  reason?: string;
}

/** What {@link bootstrapIntervals} resamples and computes. */
export interface BootstrapInput<Name extends string> {
  /** Number of cases. */
  cases: number;
  /**
   * [cases] which patient, lesion or file each is of: cases of one group are drawn together, since they resemble each other.
   * A case without a group is a group of its own, as all are without groups.
   */
  groups?: readonly (string | undefined)[] | undefined;
  seed: number;
  /** Default 2000. */
  resamples?: number | undefined;
  /**
   * The statistics of a resample, null where undefined on it: `times` is [cases], how often each case was drawn. It is
   * overwritten by the next resample. All ones are the cases themselves.
   */
  statistic: (times: Uint32Array) => Readonly<Record<Name, number | null>>;
}

/** Intervals, and of what. */
export interface BootstrapResult<Name extends string> {
  intervals: Record<Name, Interval>;
  /** What was drawn: as many groups as there are, each time. */
  groups: number;
  resamples: number;
}

/**
 * 95 % percentile intervals of statistics over cases, by drawing the groups of cases anew with replacement: the 2.5th and
 * the 97.5th percentile of the statistics of the resamples. All statistics are of the same resamples, so that one may be a
 * difference of two. The same seed gives the same intervals.
 *
 * A statistic has none where the cases themselves leave it undefined; where more than 5 % of the resamples do, for what is
 * left is then another distribution; and where there are fewer than two groups, as nothing can be drawn anew. With few
 * groups percentile intervals are too narrow, and a statistic that is the same on all cases, such as an accuracy of 1, has
 * an interval of no width.
 *
 * @throws MsmaeError Shape when groups are not one for each case; Config for fewer than 40 resamples, whose percentiles
 * would be their extremes.
 *
 * Source: Efron and Tibshirani 1993, "An Introduction to the Bootstrap", chapter 13; of clusters: Davison and Hinkley 1997,
 * section 3.8.
 */
export function bootstrapIntervals<Name extends string>({
  cases,
  groups,
  seed,
  resamples = RESAMPLES,
  statistic,
}: BootstrapInput<Name>): BootstrapResult<Name> {
  const members = membersOf(cases, groups);
  checkResamples(resamples);
  const observed = statistic(new Uint32Array(cases).fill(1));
  const names = Object.keys(observed) as Name[];
  const drawn = names.map(() => new Float64Array(resamples));
  const found = new Uint32Array(names.length);
  if (members.length > 1) {
    const random = RandomStream.for(seed, "bootstrap");
    const times = new Uint32Array(cases);
    for (let resample = 0; resample < resamples; resample++) {
      drawGroups(members, random, times);
      const values = statistic(times);
      names.forEach((name, at) => {
        const value = values[name];
        if (value === null) return;
        (drawn[at] as Float64Array)[found[at] as number] = value;
        found[at] = (found[at] as number) + 1;
      });
    }
  }
  const intervals = names.map((name, at): [Name, Interval] => {
    const values = (drawn[at] as Float64Array).subarray(0, found[at] as number);
    if (observed[name] === null) return [name, none("not defined on these cases")];
    if (members.length < 2) return [name, none("fewer than two groups of cases: nothing to draw anew")];
    const missing = resamples - values.length;
    if (missing > MOST_UNDEFINED * resamples) {
      return [name, none(`not defined on ${missing} of ${resamples} resamples`)];
    }
    values.sort();
    const [low, high] = [quantileOf(values, TAIL), quantileOf(values, 1 - TAIL)];
    return [name, { low, high, method: "bootstrap-percentile" }];
  });
  return { intervals: Object.fromEntries(intervals) as Record<Name, Interval>, groups: members.length, resamples };
}

const none = (reason: string): Interval => ({ low: null, high: null, method: "bootstrap-percentile", reason });

/** The cases of each group, in the order in which groups first occur. */
function membersOf(cases: number, groups: BootstrapInput<string>["groups"]): number[][] {
  if (groups !== undefined && groups.length !== cases) {
    throw new MsmaeError("Shape", {
      where: "groups of cases",
      expected: `${cases}, one for each case`,
      got: `${groups.length}`,
      todo: "give the group of every case, or none at all",
    });
  }
  const members = new Map<string | number, number[]>();
  for (let at = 0; at < cases; at++) {
    const group = groups?.[at] ?? at;
    const known = members.get(group);
    if (known) known.push(at);
    else members.set(group, [at]);
  }
  return [...members.values()];
}

function drawGroups(members: readonly (readonly number[])[], random: RandomStream, times: Uint32Array): void {
  times.fill(0);
  for (let draw = 0; draw < members.length; draw++) {
    const group = members[random.integer(0, members.length - 1)] as readonly number[];
    for (const at of group) times[at] = (times[at] as number) + 1;
  }
}

function checkResamples(resamples: number): void {
  if (Number.isInteger(resamples) && resamples >= 1 / TAIL) return;
  throw new MsmaeError("Config", {
    where: "resamples",
    expected: `a whole number, at least ${1 / TAIL}`,
    got: `${resamples}`,
    todo: `leave it out for ${RESAMPLES}`,
  });
}
