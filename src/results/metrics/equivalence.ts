import { deviation, mean } from "./mean.ts";
import { studentQuantile } from "./student.ts";

/** Whether paired values are the same within a margin. */
export interface Equivalence {
  /** Mean of the first less the second. */
  difference: number;
  /** 90 % interval of it: two one-sided tests of 5 %. */
  low: number;
  high: number;
  margin: number;
  /** Whether the whole interval lies within the margin, on either side of 0. */
  equal: boolean;
}

/**
 * Tests whether values come out the same, each pair under the same conditions but for one. Not seeing a difference would not do:
 * two pairs see none. The margin is the standard deviation of the second's values, which is what it differs by from itself.
 *
 * @param first as many as of the second, two at least.
 * @param second what is compared with.
 *
 * Source: Schuirmann 1987, two one-sided tests, with Student's t of the paired differences.
 */
export function equivalence(first: readonly number[], second: readonly number[]): Equivalence {
  const differences = first.map((value, pair) => value - (second[pair] as number));
  const difference = mean(differences);
  const reach =
    (studentQuantile(0.95, differences.length - 1) * deviation(differences)) / Math.sqrt(differences.length);
  const [low, high, margin] = [difference - reach, difference + reach, deviation(second)];
  return { difference, low, high, margin, equal: -margin < low && high < margin };
}
