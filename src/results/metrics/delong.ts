import { MsmaeError } from "../../support/errors.ts";
import { twoSidedNormal } from "./tail-probability.ts";

/** AUCs of several scores of the same cases, and how they vary together. */
export interface AucCovariance {
  /** [scores] */
  auc: number[];
  /** [scores, scores] */
  covariance: number[][];
}

/** Whether two AUCs of the same cases differ; plain data that survives JSON unchanged. */
export interface DelongTest {
  method: "delong";
  /** Of either score; null without positives or without negatives. */
  auc: [first: number | null, second: number | null];
  /** The first less the second, with its 95 % interval; null where there is none. */
  difference: number | null;
  low: number | null;
  high: number | null;
  /** difference / standard error; null where both scores order the cases alike, whose difference has no error. */
  z: number | null;
  /** Two-sided; 1 where both scores order the cases alike. */
  p: number | null;
  /** Why there is no test. */
  reason?: string;
}

const Z = 1.959963984540054;

/**
 * AUCs of several scores on the same cases with their covariance, or undefined with fewer than two positives or negatives.
 *
 * @param scores one [n] per model; higher means more likely positive.
 * @param positive [n] non-zero where the truth is positive.
 * @throws MsmaeError Shape when scores are not one for each case.
 *
 * Source: DeLong et al. 1988, "Comparing the areas under two or more correlated receiver operating characteristic curves";
 * by midranks: Sun and Xu 2014, "Fast implementation of DeLong's algorithm".
 */
export function aucCovariance(
  scores: readonly ArrayLike<number>[],
  positive: ArrayLike<number>,
): AucCovariance | undefined {
  const cases = Array.from({ length: positive.length }, (_, at) => at);
  const positives = cases.filter((at) => positive[at] !== 0);
  const negatives = cases.filter((at) => positive[at] === 0);
  for (const one of scores) checkLength(one, cases.length);
  if (positives.length < 2 || negatives.length < 2) return undefined;
  const parts = scores.map((one) => placements(one, positives, negatives));
  const covariance = parts.map((a) =>
    parts.map(
      (b) =>
        covarianceOf(a.positives, b.positives) / positives.length +
        covarianceOf(a.negatives, b.negatives) / negatives.length,
    ),
  );
  return { auc: parts.map(({ positives: found }) => mean(found)), covariance };
}

/**
 * DeLong's test of two AUCs on the same cases, which takes the cases for independent: where patients have several, the
 * difference by the bootstrap with groups is the one to read.
 *
 * @throws MsmaeError Shape when scores are not one for each case.
 */
export function delongTest(
  first: ArrayLike<number>,
  second: ArrayLike<number>,
  positive: ArrayLike<number>,
): DelongTest {
  const found = aucCovariance([first, second], positive);
  if (found === undefined) {
    const reason = "fewer than two positives or fewer than two negatives";
    return { method: "delong", auc: [null, null], difference: null, low: null, high: null, z: null, p: null, reason };
  }
  const [a, b] = found.auc as [number, number];
  const [[aa, ab], [, bb]] = found.covariance as [[number, number], [number, number]];
  const difference = a - b;
  const variance = aa + bb - 2 * ab;
  const none = variance <= 0;
  const error = none ? 0 : Math.sqrt(variance);
  const z = none ? null : difference / error;
  return {
    method: "delong",
    auc: [a, b],
    difference,
    low: difference - Z * error,
    high: difference + Z * error,
    z,
    p: z === null ? certain(difference) : twoSidedNormal(z),
  };
}

/** Without any variance a difference is chance's with certainty, or certainly not. */
const certain = (difference: number): number => Number(Math.abs(difference) < 1e-14);

interface Placements {
  /** [positives] the share of negatives that each positive is above, ties counting one half. */
  positives: Float64Array;
  /** [negatives] the share of positives that each negative is below. */
  negatives: Float64Array;
}

function placements(scores: ArrayLike<number>, positives: readonly number[], negatives: readonly number[]): Placements {
  const score = (at: number): number => scores[at] as number;
  const [p, n] = [positives.map(score), negatives.map(score)];
  const all = midranks([...p, ...n]);
  const [amongPositives, amongNegatives] = [midranks(p), midranks(n)];
  return {
    positives: amongPositives.map((rank, i) => ((all[i] as number) - rank) / n.length),
    negatives: amongNegatives.map((rank, j) => 1 - ((all[p.length + j] as number) - rank) / p.length),
  };
}

/** Ranks from 1, equal values sharing the mean of theirs. */
function midranks(values: readonly number[]): Float64Array {
  const order = Uint32Array.from(values.keys()).sort((a, b) => (values[a] as number) - (values[b] as number));
  const ranks = new Float64Array(values.length);
  for (let from = 0; from < order.length; ) {
    let to = from + 1;
    while (to < order.length && values[order[to] as number] === values[order[from] as number]) to++;
    for (let at = from; at < to; at++) ranks[order[at] as number] = (from + to + 1) / 2;
    from = to;
  }
  return ranks;
}

const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function covarianceOf(a: Float64Array, b: Float64Array): number {
  const [meanOfA, meanOfB] = [mean(a), mean(b)];
  const sum = a.reduce((total, value, at) => total + (value - meanOfA) * ((b[at] as number) - meanOfB), 0);
  return sum / (a.length - 1);
}

function checkLength(scores: ArrayLike<number>, cases: number): void {
  if (scores.length === cases) return;
  throw new MsmaeError("Shape", {
    where: "comparison of AUCs, scores",
    expected: `${cases}, one for each case`,
    got: `${scores.length}`,
    todo: "give the scores of all models on the same cases, in the same order",
  });
}
