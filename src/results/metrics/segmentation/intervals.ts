import { bootstrapIntervals, type Interval } from "../bootstrap.ts";
import type { ResampledStatistic } from "../resample.ts";
import type { SegmentationFigures } from "./image-figures.ts";

/** How intervals are drawn: see `bootstrapIntervals`. */
export interface IntervalOptions {
  seed: number;
  /** Default 2000. */
  resamples?: number | undefined;
}

/** The interval of every figure. */
export type FigureIntervals = Record<keyof SegmentationFigures, Interval>;

/** Intervals of each class's means over images, and of the means of those over classes. */
export interface MeanIntervals {
  mean: FigureIntervals;
  perClass: FigureIntervals[];
  /** What was drawn anew, images alone or together: as many as there are, each time. */
  groups: number;
  resamples: number;
}

/** By figure: [images] its value in each image, null where it has none. */
export type FigureValues = Record<keyof SegmentationFigures, readonly (number | null)[]>;

/**
 * The intervals of {@link meansStatistic}.
 *
 * @param groups [images] of which patient, lesion or file each is.
 */
export function meanIntervals(
  perClass: readonly FigureValues[],
  groups: readonly (string | undefined)[],
  options: IntervalOptions,
): MeanIntervals {
  const statistic = meansStatistic(perClass);
  const { intervals, ...drawn } = bootstrapIntervals({ ...options, cases: groups.length, groups, statistic });
  const figuresOf = (prefix: number | "mean") => {
    const names = Object.keys(perClass[0] ?? {}) as (keyof SegmentationFigures)[];
    return Object.fromEntries(names.map((figure) => [figure, intervals[`${prefix} ${figure}`]])) as FigureIntervals;
  };
  return { mean: figuresOf("mean"), perClass: perClass.map((_, k) => figuresOf(k)), ...drawn };
}

/** A figure's mean over images, of a class by its place or over classes: `0 dice`, `mean dice`. */
export type MeanName = `${number | "mean"} ${keyof SegmentationFigures}`;

/**
 * The means over images of a resample, of each class and of those over classes. A resample that leaves a class without a figure
 * has no mean over classes of it either, for that of the others is another quantity; a class that has the figure in no
 * image counts in none.
 */
export function meansStatistic(perClass: readonly FigureValues[]): ResampledStatistic<MeanName> {
  const columns = perClass.flatMap((figures, k) =>
    (Object.keys(figures) as (keyof SegmentationFigures)[]).map((figure) => ({
      values: figures[figure],
      name: `${k} ${figure}` as const,
      mean: `mean ${figure}` as const,
      somewhere: figures[figure].some((value) => value !== null),
    })),
  );
  const means = weightedMeans(columns.map(({ values }) => values));
  const classes = Map.groupBy(columns.keys(), (at) => (columns[at] as (typeof columns)[number]).mean);
  return (times) => {
    const found = means(times);
    const statistics = {} as Record<MeanName, number | null>;
    columns.forEach(({ name }, at) => {
      statistics[name] = known(found[at] as number);
    });
    for (const [name, all] of classes) {
      const counted = all.filter((at) => columns[at]?.somewhere);
      const sum = counted.reduce((total, at) => total + (found[at] as number), 0);
      statistics[name] = known(sum / counted.length);
    }
    return statistics;
  };
}

const known = (value: number): number | null => (Number.isNaN(value) ? null : value);

/**
 * The means of columns [cases] over cases that count several times, of those that have a value; NaN where none has.
 * The result is overwritten by the next call.
 */
function weightedMeans(columns: readonly (readonly (number | null)[])[]): (times: Uint32Array) => Float64Array {
  const width = columns.length;
  // Case by case, so that those that a resample leaves out, more than a third, cost nothing.
  const cases = columns[0]?.length ?? 0;
  const values = new Float64Array(cases * width);
  const present = new Uint8Array(cases * width);
  columns.forEach((column, k) => {
    column.forEach((value, at) => {
      if (value === null) return;
      values[at * width + k] = value;
      present[at * width + k] = 1;
    });
  });
  const sums = new Float64Array(width);
  const counts = new Float64Array(width);
  return (times) => {
    sums.fill(0);
    counts.fill(0);
    for (let at = 0, from = 0; at < cases; at++, from += width) {
      const count = times[at] as number;
      if (count === 0) continue;
      for (let k = 0; k < width; k++) {
        sums[k] = (sums[k] as number) + count * (values[from + k] as number);
        counts[k] = (counts[k] as number) + count * (present[from + k] as number);
      }
    }
    return sums.map((sum, k) => sum / (counts[k] as number));
  };
}
