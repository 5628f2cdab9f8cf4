import { mixTargets } from "../images/mixing/apply.ts";
import type { Mix } from "../images/mixing/draw.ts";

/** What losses of values are fed. */
export interface ValueFeeds {
  /** float32 [B, outputs] */
  valueTargets: Float32Array<ArrayBuffer>;
  /** float32 [B, outputs], 0 for what is not known; they sum to 1 unless nothing is. */
  valueWeights: Float32Array<ArrayBuffer>;
}

/**
 * Targets of values, each known one weighing the same. Of images that are mixed, a target is the mean of those of its two
 * images that are known, by their shares, and weighs as much as these shares.
 *
 * @param values float32 [B, outputs], NaN for what is not known.
 * @param mixes [B] where the images are mixed.
 */
export function valueFeeds(values: Float32Array, mixes?: readonly Mix[]): ValueFeeds {
  let weights = Float32Array.from(values, (value) => (Number.isNaN(value) ? 0 : 1));
  let targets = Float32Array.from(values, (value) => (Number.isNaN(value) ? 0 : value));
  if (mixes !== undefined) {
    weights = mixTargets(weights, mixes);
    targets = mixTargets(targets, mixes).map((target, at) =>
      weights[at] === 0 ? 0 : target / (weights[at] as number),
    );
  }
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return { valueTargets: targets, valueWeights: total === 0 ? weights : weights.map((weight) => weight / total) };
}

/** Findings [B, findings] with the share `smoothing` spread evenly over there and not there. */
export function smoothFindings(values: Float32Array, smoothing: number): Float32Array {
  return values.map((value) => value * (1 - smoothing) + smoothing / 2);
}

/**
 * Steps from grade to grade [B, grades − 1]: that of number k is 1 above grade k, 0 in it, and NaN below, where nobody
 * stands before it.
 */
export function gradeSteps(labels: ArrayLike<number>, grades: number): Float32Array {
  const tasks = grades - 1;
  return Float32Array.from({ length: labels.length * tasks }, (_, at) => {
    const [label, k] = [labels[Math.floor(at / tasks)] as number, at % tasks];
    return label < k ? Number.NaN : label > k ? 1 : 0;
  });
}
