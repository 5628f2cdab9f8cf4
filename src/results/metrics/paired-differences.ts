import { type BootstrapInput, bootstrapEstimates, type Estimate } from "./bootstrap.ts";
import { holmAdjusted } from "./holm.ts";
import type { ResampledStatistic } from "./resample.ts";

/** What {@link pairedDifferences} takes. */
export interface PairedInput<Name extends string> extends Omit<BootstrapInput<Name>, "statistic"> {
  /** One per model, of the same cases in the same order. */
  models: readonly ResampledStatistic<Name>[];
}

/** A figure of the first model less that of the second, on the same cases. */
export interface Difference extends Estimate {
  /** As `bootstrapEstimates` gives it; null where there is no interval. */
  p: number | null;
  /** Corrected for as many tests of this figure as there are pairs of models. */
  pHolm: number | null;
}

/** Two models, by their places among those given, and how their figures differ. */
export interface PairedDifference<Name extends string> {
  first: number;
  second: number;
  differences: Record<Name, Difference>;
}

/** All pairs of models; plain data that survives JSON unchanged. */
export interface PairedDifferences<Name extends string> {
  pairs: PairedDifference<Name>[];
  groups: number;
  mixedGroups: number;
  resamples: number;
}

/**
 * Differences of any statistics between models on the same cases, with 95 % intervals: each resample is drawn once and
 * measures all models, so that what makes a case hard for all of them does not widen the intervals.
 *
 * @throws MsmaeError as `bootstrapIntervals`.
 */
export function pairedDifferences<Name extends string>({
  models,
  ...drawing
}: PairedInput<Name>): PairedDifferences<Name> {
  const pairs = pairsOf(models.length);
  const { figures, p, ...drawn } = bootstrapEstimates({ ...drawing, statistic: differencesOf(models, pairs) });
  const names = new Set(Object.keys(figures).map((name) => name.slice(name.indexOf(" ") + 1) as Name));
  const differences = pairs.map(() => ({}) as Record<Name, Difference>);
  for (const name of names) {
    const found = pairs.map((_, at) => p[`${at} ${name}`] ?? null);
    holmAdjusted(found).forEach((pHolm, at) => {
      const estimate = figures[`${at} ${name}`] as Estimate;
      (differences[at] as Record<Name, Difference>)[name] = { ...estimate, p: found[at] ?? null, pHolm };
    });
  }
  return {
    pairs: pairs.map(([first, second], at) => ({
      first,
      second,
      differences: differences[at] as Record<Name, Difference>,
    })),
    ...drawn,
  };
}

/** Every two of so many, the earlier one first. */
export function pairsOf(count: number): [first: number, second: number][] {
  return Array.from({ length: count }, (_, first) => first).flatMap((first) =>
    Array.from({ length: count - first - 1 }, (_, more): [number, number] => [first, first + 1 + more]),
  );
}

function differencesOf<Name extends string>(
  models: readonly ResampledStatistic<Name>[],
  pairs: readonly [number, number][],
): ResampledStatistic<`${number} ${Name}`> {
  return (times) => {
    const figures = models.map((statistic) => statistic(times));
    const differences = {} as Record<`${number} ${Name}`, number | null>;
    pairs.forEach(([first, second], at) => {
      const [a, b] = [figures[first] as (typeof figures)[number], figures[second] as (typeof figures)[number]];
      for (const name of Object.keys(a) as Name[]) {
        differences[`${at} ${name}`] = a[name] === null || b[name] === null ? null : a[name] - b[name];
      }
    });
    return differences;
  };
}
