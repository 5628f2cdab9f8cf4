import { MsmaeError } from "../../support/errors.ts";
import { quantileOf } from "./quantile.ts";
import { type Drawing, type Drawn, type ResampledStatistic, resampleStatistics } from "./resample.ts";
import { wilsonInterval } from "./wilson.ts";

const TAIL = 0.025;
/** Of resamples that may leave a statistic undefined: as many as lie outside of the interval. */
const MOST_UNDEFINED = 2 * TAIL;
const RESAMPLES = 2000;

/** Where a statistic would lie, 95 times of 100, if other cases of the same kind had been drawn. */
export interface Interval {
  /** null where there is no interval. */
  low: number | null;
  high: number | null;
  method: "bootstrap-percentile" | "wilson";
  /** Why there is no interval. */
  reason?: string;
}

/** A figure and its 95 % interval. */
export interface Estimate extends Interval {
  /** null where the cases do not define it. */
  value: number | null;
}

/** What {@link bootstrapIntervals} resamples and computes. */
export interface BootstrapInput<Name extends string> extends Omit<Drawing, "resamples"> {
  /** Default 2000. */
  resamples?: number | undefined;
  /**
   * The statistics of a resample, null where undefined on it: `times` is [cases], how often each case was drawn. It is
   * overwritten by the next resample. All ones are the cases themselves.
   */
  statistic: ResampledStatistic<Name>;
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
 * an interval of no width. The only group of a stratum is in every resample once.
 *
 * @throws MsmaeError Shape when groups or strata are not one for each case; Config for fewer than 40 resamples, whose
 * percentiles would be their extremes.
 *
 * Source: Efron and Tibshirani 1993, "An Introduction to the Bootstrap", chapter 13; of clusters and strata: Davison and
 * Hinkley 1997, sections 3.8 and 3.2.
 */
export function bootstrapIntervals<Name extends string>(input: BootstrapInput<Name>): BootstrapResult<Name> {
  const { drawn, resamples } = draw(input);
  const intervals = names(drawn).map((name) => [name, percentileInterval(drawn, name, resamples)]);
  return { intervals: Object.fromEntries(intervals), groups: drawn.groups, resamples };
}

/** Figures with their intervals, and of what. */
export interface BootstrapEstimates<Name extends string> {
  figures: Record<Name, Estimate>;
  /**
   * Of each figure the two-sided probability of a value as far from 0 if it truly were 0: twice the share of resamples
   * on the rarer side, at least 1 / (resamples + 1); null where there is no interval. Meant for differences.
   */
  p: Record<Name, number | null>;
  groups: number;
  /** Groups with cases of several strata, which were drawn among themselves. */
  mixedGroups: number;
  resamples: number;
}

/**
 * As {@link bootstrapIntervals}, with the values themselves and what they say against 0.
 *
 * Source of `p`: Davison and Hinkley 1997, equation 4.11, of the interval that just holds 0.
 */
export function bootstrapEstimates<Name extends string>(input: BootstrapInput<Name>): BootstrapEstimates<Name> {
  const { drawn, resamples } = draw(input);
  const figures = {} as Record<Name, Estimate>;
  const p = {} as Record<Name, number | null>;
  for (const name of names(drawn)) {
    const interval = percentileInterval(drawn, name, resamples);
    figures[name] = { value: drawn.observed[name], ...interval };
    p[name] = interval.low === null ? null : againstZero(drawn.values[name]);
  }
  return { figures, p, groups: drawn.groups, mixedGroups: drawn.mixedGroups, resamples };
}

/**
 * The estimate of a proportion. Where it is 0 or 1 no resample differs, and its interval is Wilson's, of as many independent
 * cases as `groups`, those with a case in the denominator.
 */
export function proportionEstimate(estimate: Estimate, groups: number): Estimate {
  if (estimate.low === null || (estimate.value !== 0 && estimate.value !== 1)) return estimate;
  const [low, high] = wilsonInterval(estimate.value, groups);
  return { value: estimate.value, low, high, method: "wilson" };
}

/** The number of groups with a case for which `holds`; a case without a group is one of its own. */
export function groupsWith(cases: number, groups: Drawing["groups"], holds: (at: number) => boolean): number {
  const found = new Set<string | number>();
  for (let at = 0; at < cases; at++) if (holds(at)) found.add(groups?.[at] ?? at);
  return found.size;
}

function draw<Name extends string>({
  statistic,
  resamples = RESAMPLES,
  ...drawing
}: BootstrapInput<Name>): {
  drawn: Drawn<Name>;
  resamples: number;
} {
  checkResamples(resamples);
  return { drawn: resampleStatistics({ ...drawing, resamples }, statistic), resamples };
}

const names = <Name extends string>({ observed }: Drawn<Name>): Name[] => Object.keys(observed) as Name[];

/** Sorts the statistic's values. */
function percentileInterval<Name extends string>(drawn: Drawn<Name>, name: Name, resamples: number): Interval {
  const values = drawn.values[name];
  if (drawn.observed[name] === null) return none("not defined on these cases");
  if (drawn.groups < 2) return none("fewer than two groups of cases: nothing to draw anew");
  const missing = resamples - values.length;
  if (missing > MOST_UNDEFINED * resamples) return none(`not defined on ${missing} of ${resamples} resamples`);
  values.sort();
  const [low, high] = [quantileOf(values, TAIL), quantileOf(values, 1 - TAIL)];
  return { low, high, method: "bootstrap-percentile" };
}

const none = (reason: string): Interval => ({ low: null, high: null, method: "bootstrap-percentile", reason });

/** As {@link BootstrapEstimates.p}, of a statistic on all resamples. */
export function againstZero(values: ArrayLike<number> & Iterable<number>): number {
  let [below, above] = [1, 1];
  for (const value of values) {
    if (value <= 0) below++;
    if (value >= 0) above++;
  }
  return Math.min(1, (2 * Math.min(below, above)) / (values.length + 1));
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
