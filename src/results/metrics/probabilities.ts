import { MsmaeError } from "../../support/errors.ts";

/** Probabilities and truth that passed {@link checkProbabilities}. */
export interface CheckedProbabilities {
  /** Number of images. */
  n: number;
  /** Number of classes. */
  classes: number;
  /** [n, classes], row-major. */
  probabilities: ArrayLike<number>;
  /** [n] true class indices. */
  labels: ArrayLike<number>;
}

// Softmax in float32 over a thousand classes stays within 1e-4 of one; half precision within 1e-3.
const SUM_TOLERANCE = 1e-3;

/**
 * Checks that every row is a probability distribution and every label a class index.
 *
 * @param probabilities [n, classes], row-major.
 * @param labels [n] integers in 0..classes-1.
 * @throws MsmaeError "Data" when there are no images, fewer than two classes, a probability that is no number in [0, 1], a row
 * that does not sum to 1 or a label out of range; "Shape" when the lengths do not fit.
 */
export function checkProbabilities(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
): CheckedProbabilities {
  const n = labels.length;
  const fault = (where: string, expected: string, got: string, todo: string): never => {
    throw new MsmaeError("Data", { where: `classification metrics, ${where}`, expected, got, todo });
  };
  if (classes < 2)
    fault("classNames", "at least 2 classes", String(classes), "evaluate a classifier of 2 or more classes");
  if (n === 0) fault("labels", "at least one image", "none", "check that the chosen split holds images");
  if (probabilities.length !== n * classes) {
    throw new MsmaeError("Shape", {
      where: "classification metrics, probabilities",
      expected: `[${n}, ${classes}] = ${n * classes} values`,
      got: `${probabilities.length} values`,
      todo: "pass one row of class probabilities per label",
    });
  }
  for (let i = 0; i < n; i++) {
    let sum = 0;
    for (let k = 0; k < classes; k++) {
      const value = probabilities[i * classes + k] as number;
      if (!(value >= 0 && value <= 1 + SUM_TOLERANCE)) {
        fault(`row ${i}, class ${k}`, "a probability in [0, 1]", String(value), nonProbabilityAdvice(value));
      }
      sum += value;
    }
    if (Math.abs(sum - 1) > SUM_TOLERANCE) {
      fault(`row ${i}`, "probabilities that sum to 1", String(sum), "pass the softmax of the logits");
    }
    const label = labels[i] as number;
    if (!Number.isInteger(label) || label < 0 || label >= classes) {
      fault(
        `label ${i}`,
        `an integer in 0..${classes - 1}`,
        String(label),
        "use the class order the model was trained with",
      );
    }
  }
  return { n, classes, probabilities, labels };
}

function nonProbabilityAdvice(value: number): string {
  return Number.isNaN(value)
    ? "look for non-finite weights in the checkpoint or pixels in the image"
    : "pass the softmax of the logits, not the logits";
}

/** Index of the largest probability of each row, the first of equals: [n]. */
export function argmaxRows({ n, classes, probabilities }: CheckedProbabilities): Int32Array {
  const best = new Int32Array(n);
  for (let i = 0; i < n; i++) {
    let winner = 0;
    for (let k = 1; k < classes; k++) {
      if ((probabilities[i * classes + k] as number) > (probabilities[i * classes + winner] as number)) winner = k;
    }
    best[i] = winner;
  }
  return best;
}

/** Column k of the probabilities: [n]. */
export function classScores({ n, classes, probabilities }: CheckedProbabilities, k: number): Float64Array {
  return Float64Array.from({ length: n }, (_, i) => probabilities[i * classes + k] as number);
}

/** Where the truth is class k: [n] of 0 and 1. */
export function isClass({ n, labels }: CheckedProbabilities, k: number): Uint8Array {
  return Uint8Array.from({ length: n }, (_, i) => Number(labels[i] === k));
}

/** Each image's probability of the class that is predicted: [n]. */
export function topProbabilities(
  { classes, probabilities }: CheckedProbabilities,
  predictions: ArrayLike<number>,
): Float64Array {
  return Float64Array.from(predictions, (k, i) => probabilities[i * classes + k] as number);
}

/** Where the prediction is right: [n] of 0 and 1. */
export function correctness({ labels }: CheckedProbabilities, predictions: ArrayLike<number>): Uint8Array {
  return Uint8Array.from(predictions, (k, i) => Number(labels[i] === k));
}

/**
 * Mean negative natural logarithm of the true class's probability, clipped to [2^-52, 1 - 2^-52] as scikit-learn does.
 *
 * Source: sklearn.metrics.log_loss.
 */
export function logLoss({ n, classes, probabilities, labels }: CheckedProbabilities): number {
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const value = probabilities[i * classes + (labels[i] as number)] as number;
    sum -= Math.log(Math.min(1 - Number.EPSILON, Math.max(Number.EPSILON, value)));
  }
  return sum / n;
}

/**
 * Brier score over all classes, in [0, 2]: mean of the squared distance between the probabilities and the one-hot truth.
 *
 * Source: Brier 1950, "Verification of forecasts expressed in terms of probability".
 */
export function brierScore({ n, classes, probabilities, labels }: CheckedProbabilities): number {
  let sum = 0;
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < classes; k++) {
      sum += ((probabilities[i * classes + k] as number) - Number(labels[i] === k)) ** 2;
    }
  }
  return sum / n;
}
