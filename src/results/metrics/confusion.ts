/** Counts of images, row = true class, column = predicted class: `confusion[truth][predicted]`. */
export type ConfusionMatrix = readonly (readonly number[])[];

/** Precision, recall and F1 of one class; 0 where a denominator is 0, as scikit-learn. */
export interface ClassCounts {
  /** Number of images whose true class this is. */
  support: number;
  /** Number of images predicted as this class. */
  predicted: number;
  precision: number;
  recall: number;
  f1: number;
}

/** The confusion matrix [classes, classes] of integer labels and predictions, both [n]. */
export function confusionMatrix(
  labels: ArrayLike<number>,
  predictions: ArrayLike<number>,
  classes: number,
): number[][] {
  const matrix = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (let i = 0; i < labels.length; i++) {
    const row = matrix[labels[i] as number] as number[];
    const column = predictions[i] as number;
    row[column] = (row[column] as number) + 1;
  }
  return matrix;
}

/** Support, precision, recall and F1 of every class. */
export function countsPerClass(confusion: ConfusionMatrix): ClassCounts[] {
  const { truth, predicted } = margins(confusion);
  return confusion.map((row, k) => {
    const hits = row[k] as number;
    const support = truth[k] as number;
    const called = predicted[k] as number;
    return {
      support,
      predicted: called,
      precision: called === 0 ? 0 : hits / called,
      recall: support === 0 ? 0 : hits / support,
      f1: support + called === 0 ? 0 : (2 * hits) / (support + called),
    };
  });
}

/** Cases by truth and call, positive or negative. */
export interface BinaryCounts {
  truePositives: number;
  falsePositives: number;
  falseNegatives: number;
  trueNegatives: number;
}

/** Of a call that is positive or negative: shares in [0, 1], null where nothing is counted. */
export const BINARY_FIGURES = ["sensitivity", "specificity", "ppv", "npv"] as const;

export type BinaryFigure = (typeof BINARY_FIGURES)[number];

/** What counts say of a call: the shares of positives and negatives found, and of positive and negative calls right. */
export function binaryFigures(counts: BinaryCounts): Record<BinaryFigure, number | null> {
  const { truePositives, falsePositives, falseNegatives, trueNegatives } = counts;
  const share = (right: number, wrong: number): number | null => (right + wrong === 0 ? null : right / (right + wrong));
  return {
    sensitivity: share(truePositives, falseNegatives),
    specificity: share(trueNegatives, falsePositives),
    ppv: share(truePositives, falsePositives),
    npv: share(trueNegatives, falseNegatives),
  };
}

/**
 * Cohen's kappa, or undefined where chance agreement is complete (truth and predictions all of one class).
 *
 * @param weights "none" counts every disagreement alike; "quadratic" by the squared distance of the class indices, for
 * ordered classes such as grades.
 *
 * Source: Cohen 1968, "Weighted kappa"; sklearn.metrics.cohen_kappa_score.
 */
export function cohenKappa(confusion: ConfusionMatrix, weights: "none" | "quadratic"): number | undefined {
  const { truth, predicted, total } = margins(confusion);
  let observed = 0;
  let expected = 0;
  for (const [i, row] of confusion.entries()) {
    for (const [j, count] of row.entries()) {
      const cost = weights === "quadratic" ? (i - j) ** 2 : Number(i !== j);
      observed += cost * count;
      expected += (cost * (truth[i] as number) * (predicted[j] as number)) / total;
    }
  }
  return expected === 0 ? undefined : 1 - observed / expected;
}

/**
 * Matthews' correlation of truth and prediction over all classes; 0 where either is constant.
 *
 * Source: Gorodkin 2004, "Comparing two K-category assignments by a K-category correlation coefficient".
 */
export function matthewsCorrelation(confusion: ConfusionMatrix): number {
  const { truth, predicted, total } = margins(confusion);
  const hits = confusion.reduce((sum, row, k) => sum + (row[k] as number), 0);
  const dot = (a: number[], b: number[]): number => a.reduce((sum, value, k) => sum + value * (b[k] as number), 0);
  const covariance = hits * total - dot(truth, predicted);
  const spread = (total * total - dot(predicted, predicted)) * (total * total - dot(truth, truth));
  return spread === 0 ? 0 : covariance / Math.sqrt(spread);
}

function margins(confusion: ConfusionMatrix): { truth: number[]; predicted: number[]; total: number } {
  const truth = confusion.map((row) => row.reduce((sum, count) => sum + count, 0));
  const predicted = confusion.map((_, k) => confusion.reduce((sum, row) => sum + (row[k] as number), 0));
  return { truth, predicted, total: truth.reduce((sum, count) => sum + count, 0) };
}
