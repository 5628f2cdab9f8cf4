import { MsmaeError } from "../../support/errors.ts";
import { mean } from "./mean.ts";

/** What {@link numberMetrics} takes. */
export interface NumberInput {
  /** [n] */
  predicted: ArrayLike<number>;
  /** [n], NaN where nobody knows. */
  truth: ArrayLike<number>;
}

/** How well a number is told, in its own unit; plain data that survives JSON unchanged. */
export interface NumberMetrics {
  /** Images of which it is known. */
  n: number;
  /** Mean absolute error, and the root of the mean squared one. */
  mae: number;
  rmse: number;
  /** Share of the variance that is explained, below 0 where the mean would tell more; null where all are the same. */
  r2: number | null;
  /** Pearson's correlation; null where one side is always the same. */
  correlation: number | null;
  /** Mean of predicted − true. */
  bias: number;
  /** Bland and Altman's 95 % limits of agreement, bias ± 1.96 standard deviations (n − 1); null for one image. */
  limitLow: number | null;
  limitHigh: number | null;
  /** Mean absolute error of always telling the median of these images. */
  maeOfMedian: number;
}

/**
 * All figures of a number over the images of which it is known.
 *
 * @throws MsmaeError Data where it is known of none, or a prediction is not finite.
 * Source: scikit-learn (`mean_absolute_error`, `mean_squared_error`, `r2_score`); Bland & Altman 1986.
 */
export function numberMetrics(input: NumberInput): NumberMetrics {
  const known = knownNumbers(input);
  const truths = known.map(({ truth }) => truth);
  const errors = known.map(({ truth, predicted }) => predicted - truth);
  const squares = sumOf(errors.map((error) => error * error));
  const spread = squaresOf(truths);
  const predictions = known.map(({ predicted }) => predicted);
  const n = known.length;
  const bias = mean(errors);
  const deviation = n < 2 ? null : Math.sqrt(squaresOf(errors) / (n - 1));
  const median = medianOf(truths);
  return {
    n,
    mae: mean(errors.map(Math.abs)),
    rmse: Math.sqrt(squares / n),
    r2: spread === 0 ? null : 1 - squares / spread,
    correlation: correlationOf(truths, predictions),
    bias,
    limitLow: deviation === null ? null : bias - 1.96 * deviation,
    limitHigh: deviation === null ? null : bias + 1.96 * deviation,
    maeOfMedian: mean(truths.map((truth) => Math.abs(truth - median))),
  };
}

/**
 * The images of which the number is known, by their places.
 *
 * @throws MsmaeError as {@link numberMetrics}.
 */
export function knownNumbers(input: NumberInput): { at: number; truth: number; predicted: number }[] {
  const known = Array.from(input.truth, (truth, at) => ({
    at,
    truth,
    predicted: input.predicted[at] as number,
  })).filter(({ truth }) => !Number.isNaN(truth));
  const odd = known.find(({ predicted }) => !Number.isFinite(predicted));
  if (known.length > 0 && !odd) return known;
  const got = odd ? `${odd.predicted}` : "none";
  const expected = "images of which the number is known, with finite predictions";
  throw new MsmaeError("Data", { where: "numberMetrics", expected, got, todo: "give the number of some images" });
}

function correlationOf(a: readonly number[], b: readonly number[]): number | null {
  const [ma, mb] = [mean(a), mean(b)];
  const scale = Math.sqrt(squaresOf(a) * squaresOf(b));
  return scale === 0 ? null : sumOf(a.map((value, i) => (value - ma) * ((b[i] as number) - mb))) / scale;
}

/** Sum of squared distances from the mean. */
function squaresOf(values: readonly number[]): number {
  const middle = mean(values);
  return sumOf(values.map((value) => (value - middle) ** 2));
}

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(at)] as number) + (sorted[Math.ceil(at)] as number)) / 2;
}

function sumOf(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
