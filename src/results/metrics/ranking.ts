import type { ResampledStatistic } from "./resample.ts";

/** Cases in the order of their scores, the highest first, for statistics of many resamples of them. */
export interface RankedCases {
  /** [n] which case stands at each rank. */
  order: Uint32Array;
  /** [n] whether the case at each rank is positive. */
  positive: Uint8Array;
  /** [n] 1 where the next rank has another score, and at the end: a threshold lies between them. */
  ends: Uint8Array;
}

/**
 * Sorts cases by their scores.
 *
 * @param scores [n] higher means more likely positive.
 * @param positive [n] non-zero where the truth is positive.
 */
export function rankCases(scores: ArrayLike<number>, positive: ArrayLike<number>): RankedCases {
  const score = (at: number): number => scores[at] as number;
  const order = Uint32Array.from({ length: scores.length }, (_, at) => at).sort((a, b) => score(b) - score(a));
  return {
    order,
    positive: Uint8Array.from(order, (at) => Number(positive[at] !== 0)),
    ends: Uint8Array.from(order, (at, rank) => {
      const next = order[rank + 1];
      return Number(next === undefined || score(next) !== score(at));
    }),
  };
}

/** What the order of cases alone says of scores. */
export type RankingFigure = "auc" | "averagePrecision";

/**
 * AUC and average precision of a resample, in one pass and without sorting: as `areaUnderRoc` and `averagePrecision` of the
 * drawn cases, each as often as it was drawn. null without positives, the AUC also without negatives.
 */
export function rankingStatistic({ order, positive, ends }: RankedCases): ResampledStatistic<RankingFigure> {
  return (times) => {
    let [hits, alarms, hitsBefore, alarmsBefore] = [0, 0, 0, 0];
    let twiceArea = 0;
    let precision = 0;
    for (let rank = 0; rank < order.length; rank++) {
      const count = times[order[rank] as number] as number;
      if (positive[rank] === 1) hits += count;
      else alarms += count;
      if (ends[rank] === 0) continue;
      twiceArea += (alarms - alarmsBefore) * (hits + hitsBefore);
      if (hits > hitsBefore) precision += ((hits - hitsBefore) * hits) / (hits + alarms);
      hitsBefore = hits;
      alarmsBefore = alarms;
    }
    return {
      auc: hits === 0 || alarms === 0 ? null : twiceArea / (2 * hits * alarms),
      averagePrecision: hits === 0 ? null : precision / hits,
    };
  };
}
