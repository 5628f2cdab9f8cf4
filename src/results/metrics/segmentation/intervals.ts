import { bootstrapIntervals, type Interval } from "../bootstrap.ts";
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
 * A resample that leaves a class without a figure has no mean over classes of it either, for that of the others is another
 * quantity; a class that has the figure in no image counts in none.
 *
 * @param groups [images] of which patient, lesion or file each is.
 */
export function meanIntervals(
  perClass: readonly FigureValues[],
  groups: readonly (string | undefined)[],
  options: IntervalOptions,
): MeanIntervals {
  const columns = perClass.flatMap((figures, k) =>
    Object.entries(figures).map(([figure, values]) => ({
      values,
      name: `${k} ${figure}`,
      mean: `mean ${figure}`,
      somewhere: values.some((value) => value !== null),
    })),
  );
  const means = weightedMeans(columns.map(({ values }) => values));
  const classes = Map.groupBy(columns.keys(), (at) => (columns[at] as (typeof columns)[number]).mean);
  const statistic = (times: Uint32Array): Record<string, number | null> => {
    const found = means(times);
    const statistics = Object.fromEntries(columns.map(({ name }, at) => [name, known(found[at] as number)]));
    for (const [name, all] of classes) {
      const counted = all.filter((at) => columns[at]?.somewhere);
      const sum = counted.reduce((total, at) => total + (found[at] as number), 0);
      statistics[name] = known(sum / counted.length);
    }
    return statistics;
  };
  const { intervals, ...drawn } = bootstrapIntervals({ ...options, cases: groups.length, groups, statistic });
  const figuresOf = (prefix: string | number) => {
    const names = Object.keys(perClass[0] ?? {});
    return Object.fromEntries(names.map((figure) => [figure, intervals[`${prefix} ${figure}`]])) as FigureIntervals;
  };
  return { mean: figuresOf("mean"), perClass: perClass.map((_, k) => figuresOf(k)), ...drawn };
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
