import { chiSquaredTail, twoSidedSign } from "./tail-probability.ts";

/** Whether two models are right equally often on the same cases; plain data that survives JSON unchanged. */
export interface McnemarTest {
  /** `exact-binomial` below 25 cases on which one model alone is right, else `chi-squared` with continuity correction. */
  method: "exact-binomial" | "chi-squared";
  /** Cases on which the first alone is right. */
  firstOnly: number;
  /** Cases on which the second alone is right. */
  secondOnly: number;
  /** (|firstOnly − secondOnly| − 1)² / (firstOnly + secondOnly); null for the exact test. */
  statistic: number | null;
  /** Two-sided. */
  p: number;
}

/** Of cases on which one model alone is right, from which on chi-squared is near enough. */
const FEW = 25;

/**
 * McNemar's test of two models on the same cases, which takes the cases for independent.
 *
 * @param first [n] non-zero where the first model is right.
 * @param second [n] where the second is, on the same cases in the same order.
 *
 * Source: McNemar 1947, "Note on the sampling error of the difference between correlated proportions"; the correction:
 * Edwards 1948.
 */
export function mcnemarTest(first: ArrayLike<number>, second: ArrayLike<number>): McnemarTest {
  let [firstOnly, secondOnly] = [0, 0];
  for (let at = 0; at < first.length; at++) {
    if (first[at] !== 0 && second[at] === 0) firstOnly++;
    if (first[at] === 0 && second[at] !== 0) secondOnly++;
  }
  const n = firstOnly + secondOnly;
  if (n < FEW) {
    const p = twoSidedSign(Math.min(firstOnly, secondOnly), n);
    return { method: "exact-binomial", firstOnly, secondOnly, statistic: null, p };
  }
  // The correction does not turn a difference of 0 into one.
  const statistic = Math.max(0, Math.abs(firstOnly - secondOnly) - 1) ** 2 / n;
  return { method: "chi-squared", firstOnly, secondOnly, statistic, p: chiSquaredTail(statistic) };
}
