/** A receiver operating characteristic: one point per threshold, from (0, 0) to (1, 1). */
export interface RocCurve {
  /** False-positive rate (1 − specificity) at each threshold, non-decreasing. */
  fpr: number[];
  /** True-positive rate (sensitivity) at each threshold, non-decreasing. */
  tpr: number[];
  /** Scores at or above the threshold count as positive. The first is null: there nothing counts as positive. */
  thresholds: (number | null)[];
}

/** Options of {@link rocCurve}. */
export interface RocOptions {
  /** Leave out points on a straight line between their neighbours, as scikit-learn does unless asked not to. */
  dropCollinear?: boolean;
}

/**
 * The ROC curve of one class against the rest, or undefined when there are no positives or no negatives.
 *
 * @param scores [n] higher means more likely positive; equal scores share one threshold.
 * @param positive [n] non-zero where the truth is positive.
 *
 * Source: Fawcett 2006, "An introduction to ROC analysis", algorithm 1; points as sklearn.metrics.roc_curve.
 */
export function rocCurve(
  scores: ArrayLike<number>,
  positive: ArrayLike<number>,
  { dropCollinear = false }: RocOptions = {},
): RocCurve | undefined {
  const steps = cumulativeCounts(scores, positive);
  const positives = steps.truePositives.at(-1) ?? 0;
  const negatives = steps.falsePositives.at(-1) ?? 0;
  if (positives === 0 || negatives === 0) return undefined;

  const last = steps.scores.length - 1;
  const curve: RocCurve = { fpr: [0], tpr: [0], thresholds: [null] };
  for (let i = 0; i <= last; i++) {
    if (dropCollinear && i > 0 && i < last && isCollinear(steps, i)) continue;
    curve.fpr.push(at(steps.falsePositives, i) / negatives);
    curve.tpr.push(at(steps.truePositives, i) / positives);
    curve.thresholds.push(at(steps.scores, i));
  }
  return curve;
}

/**
 * Area under a curve by the trapezoidal rule: the chance that a random positive scores above a random negative, ties
 * counting one half.
 */
export function areaUnderRoc({ fpr, tpr }: Pick<RocCurve, "fpr" | "tpr">): number {
  let area = 0;
  for (let i = 1; i < fpr.length; i++) {
    area += ((at(fpr, i) - at(fpr, i - 1)) * (at(tpr, i) + at(tpr, i - 1))) / 2;
  }
  return area;
}

/**
 * Average precision: the sum over thresholds of (recall step) × precision, without interpolation; undefined when there
 * are no positives.
 *
 * Source: sklearn.metrics.average_precision_score.
 */
export function averagePrecision(scores: ArrayLike<number>, positive: ArrayLike<number>): number | undefined {
  const { truePositives, falsePositives } = cumulativeCounts(scores, positive);
  const positives = truePositives.at(-1) ?? 0;
  if (positives === 0) return undefined;
  let sum = 0;
  let before = 0;
  for (let i = 0; i < truePositives.length; i++) {
    const hits = at(truePositives, i);
    sum += ((hits - before) / positives) * (hits / (hits + at(falsePositives, i)));
    before = hits;
  }
  return sum;
}

/** Counts of true and false positives at each distinct score, from the highest score down. */
export interface CumulativeCounts {
  scores: number[];
  truePositives: number[];
  falsePositives: number[];
}

export function cumulativeCounts(scores: ArrayLike<number>, positive: ArrayLike<number>): CumulativeCounts {
  const order = Array.from({ length: scores.length }, (_, i) => i).sort((a, b) => at(scores, b) - at(scores, a));
  const counts: CumulativeCounts = { scores: [], truePositives: [], falsePositives: [] };
  let hits = 0;
  for (const [rank, index] of order.entries()) {
    if (at(positive, index) !== 0) hits++;
    const next = order[rank + 1];
    if (next !== undefined && at(scores, next) === at(scores, index)) continue;
    counts.scores.push(at(scores, index));
    counts.truePositives.push(hits);
    counts.falsePositives.push(rank + 1 - hits);
  }
  return counts;
}

/** As scikit-learn: a point is dropped when the step before it equals the step after it, in both counts. */
function isCollinear({ truePositives, falsePositives }: CumulativeCounts, i: number): boolean {
  const bend = (counts: number[]): number => at(counts, i + 1) - 2 * at(counts, i) + at(counts, i - 1);
  return bend(truePositives) === 0 && bend(falsePositives) === 0;
}

const at = (values: ArrayLike<number>, index: number): number => values[index] as number;
