import { bootstrapEstimates, type Estimate } from "./bootstrap.ts";
import { type Resampling, type ResamplingOptions, resamplingOf } from "./classification-intervals.ts";
import { knownNumbers, type NumberInput } from "./number.ts";
import type { ResampledStatistic } from "./resample.ts";

/** The figures of a number of which there are intervals, as `NumberMetrics` defines them. */
export const NUMBER_FIGURES = ["mae", "rmse", "r2", "correlation", "bias", "limitLow", "limitHigh"] as const;
export type NumberFigure = (typeof NUMBER_FIGURES)[number];

/** The figures of a number with their 95 % intervals; plain data that survives JSON unchanged. */
export interface NumberIntervals {
  figures: Record<NumberFigure, Estimate>;
  resampling: Resampling;
}

/**
 * The figures of a number with 95 % intervals by the bootstrap, clustered by the group where groups are given: also of the
 * bias and of the limits of agreement.
 *
 * @throws MsmaeError as `numberMetrics` and `bootstrapIntervals`.
 */
export function numberIntervals({
  groups,
  seed,
  resamples,
  ...input
}: NumberInput & ResamplingOptions): NumberIntervals {
  const cases = input.truth.length;
  const statistic = numberStatistic(input);
  const { figures, ...drawn } = bootstrapEstimates({ cases, groups, seed, resamples, statistic });
  return { figures, resampling: resamplingOf(drawn) };
}

/**
 * All figures of a number on a resample of the cases.
 *
 * @throws MsmaeError as `numberMetrics`.
 */
export function numberStatistic(input: NumberInput): ResampledStatistic<NumberFigure> {
  const known = knownNumbers(input);
  return (times) => {
    let [n, sumTruth, sumPredicted, absolute, squares] = [0, 0, 0, 0, 0];
    for (const { at, truth, predicted } of known) {
      const count = times[at] as number;
      n += count;
      sumTruth += count * truth;
      sumPredicted += count * predicted;
      absolute += count * Math.abs(predicted - truth);
      squares += count * (predicted - truth) ** 2;
    }
    if (n === 0) return UNDEFINED;
    const [middle, middlePredicted] = [sumTruth / n, sumPredicted / n];
    const bias = middlePredicted - middle;
    // Around the means of the resample: sums of plain squares would lose digits where values lie far from 0.
    let [spread, spreadPredicted, together, spreadErrors] = [0, 0, 0, 0];
    for (const { at, truth, predicted } of known) {
      const count = times[at] as number;
      const [a, b] = [truth - middle, predicted - middlePredicted];
      spread += count * a * a;
      spreadPredicted += count * b * b;
      together += count * a * b;
      spreadErrors += count * (b - a) ** 2;
    }
    const width = n < 2 ? null : 1.96 * Math.sqrt(spreadErrors / (n - 1));
    const scale = Math.sqrt(spread * spreadPredicted);
    return {
      mae: absolute / n,
      rmse: Math.sqrt(squares / n),
      r2: spread === 0 ? null : 1 - squares / spread,
      correlation: scale === 0 ? null : together / scale,
      bias,
      limitLow: width === null ? null : bias - width,
      limitHigh: width === null ? null : bias + width,
    };
  };
}

const UNDEFINED = Object.fromEntries(NUMBER_FIGURES.map((figure) => [figure, null])) as Record<NumberFigure, null>;
