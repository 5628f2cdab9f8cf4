import { bootstrapEstimates, type Estimate } from "./bootstrap.ts";
import { drawingOf, type IntervalsInput, type Resampling, resamplingOf } from "./classification-intervals.ts";
import { checkProbabilities, classScores, isClass } from "./probabilities.ts";
import { type RankedCases, rankCases } from "./ranking.ts";
import type { ResampledStatistic } from "./resample.ts";

/** What {@link curveBands} takes. */
export interface CurveBandsInput extends IntervalsInput {
  /** Steps of the grid, which has one point more, from 0 to 1. Default 100. */
  steps?: number;
}

/** A curve on a grid with a band that holds each point by itself, 95 times of 100; null where undefined. */
export interface CurveBand {
  /** [points] from 0 to 1. */
  at: number[];
  value: (number | null)[];
  low: (number | null)[];
  high: (number | null)[];
}

/** The curves of one class against the others. */
export interface ClassCurves {
  class: string;
  prevalence: number;
  /** Sensitivity at each false-positive rate, by straight lines between the points of the curve. */
  roc: CurveBand;
  /**
   * Precision at each recall: that of the highest threshold which reaches it, as average precision counts it. Straight lines
   * would promise what no threshold gives.
   */
  precisionRecall: CurveBand;
}

/** Curves of all classes; plain data that survives JSON unchanged. */
export interface CurveBands {
  perClass: ClassCurves[];
  resampling: Resampling;
}

const STEPS = 100;

/**
 * ROC and precision-recall curves of each class on a grid, with 95 % bands as `classificationIntervals` has intervals: point
 * by point, so that a whole curve lies within its band less often than 95 times of 100.
 *
 * @throws MsmaeError "Data" or "Shape" as `checkProbabilities` and `bootstrapIntervals`.
 * Source of the precision-recall curve's steps: Davis and Goadrich 2006, "The relationship between precision-recall and ROC
 * curves".
 */
export function curveBands(input: CurveBandsInput): CurveBands {
  const { classNames, steps = STEPS } = input;
  const checked = checkProbabilities(input.probabilities, input.labels, classNames.length);
  const grid = Array.from({ length: steps + 1 }, (_, step) => step / steps);
  const curves = classNames.map((_, k) =>
    curveStatistic(rankCases(classScores(checked, k), isClass(checked, k)), grid),
  );
  const columns = classNames.flatMap((_, k) =>
    ["roc", "pr"].flatMap((curve) => grid.map((_, at) => `${k} ${curve} ${at}`)),
  );
  const statistic: ResampledStatistic<string> = (times) => {
    const values = curves.flatMap((curve) => curve(times));
    return Object.fromEntries(columns.map((column, at) => [column, values[at] as number | null]));
  };
  const { figures, ...drawn } = bootstrapEstimates({ ...drawingOf(input, checked), statistic });
  const bandOf = (name: string): CurveBand => {
    const points = grid.map((_, at) => figures[`${name} ${at}`] as Estimate);
    return {
      at: grid,
      value: points.map(({ value }) => value),
      low: points.map(({ low }) => low),
      high: points.map(({ high }) => high),
    };
  };
  return {
    perClass: classNames.map((name, k) => ({
      class: name,
      prevalence: isClass(checked, k).reduce((sum, one) => sum + one, 0) / checked.n,
      roc: bandOf(`${k} roc`),
      precisionRecall: bandOf(`${k} pr`),
    })),
    resampling: resamplingOf(drawn),
  };
}

/** Of a resample the sensitivities at the grid's false-positive rates, then the precisions at its recalls. */
function curveStatistic(
  { order, positive, ends }: RankedCases,
  grid: readonly number[],
): (times: Uint32Array) => (number | null)[] {
  const hits = new Float64Array(order.length);
  const alarms = new Float64Array(order.length);
  return (times) => {
    let [found, called, wrong] = [0, 0, 0];
    for (let rank = 0; rank < order.length; rank++) {
      const count = times[order[rank] as number] as number;
      if (positive[rank] === 1) found += count;
      else wrong += count;
      // Above the highest case that was drawn there is no precision.
      if (ends[rank] === 0 || found + wrong === 0) continue;
      hits[called] = found;
      alarms[called] = wrong;
      called++;
    }
    const points = { hits: hits.subarray(0, called), alarms: alarms.subarray(0, called) };
    return [...sensitivities(points, grid), ...precisions(points, grid)];
  };
}

interface Points {
  /** True positives at each threshold, from the highest score down. */
  hits: Float64Array;
  /** False positives. */
  alarms: Float64Array;
}

function sensitivities({ hits, alarms }: Points, grid: readonly number[]): (number | null)[] {
  const positives = hits.at(-1) ?? 0;
  const negatives = alarms.at(-1) ?? 0;
  if (positives === 0 || negatives === 0) return grid.map(() => null);
  let next = 0;
  return grid.map((rate) => {
    // The last point at or below the rate: on a vertical part of the curve its upper end.
    while (next < alarms.length && (alarms[next] as number) / negatives <= rate) next++;
    const before = next === 0 ? [0, 0] : [alarms[next - 1] as number, hits[next - 1] as number];
    const [fromRate, from] = [(before[0] as number) / negatives, (before[1] as number) / positives];
    if (next === alarms.length) return from;
    const [toRate, to] = [(alarms[next] as number) / negatives, (hits[next] as number) / positives];
    return from + ((to - from) * (rate - fromRate)) / (toRate - fromRate);
  });
}

function precisions({ hits, alarms }: Points, grid: readonly number[]): (number | null)[] {
  const positives = hits.at(-1) ?? 0;
  if (positives === 0) return grid.map(() => null);
  let at = 0;
  return grid.map((recall) => {
    while ((hits[at] as number) / positives < recall) at++;
    return (hits[at] as number) / ((hits[at] as number) + (alarms[at] as number));
  });
}
