/**
 * The probability that a standard normal variable lies at least as far from 0 as z, to a relative 1e-12.
 *
 * Source: Abramowitz and Stegun 1964, equations 7.1.6 and 7.1.14.
 */
export function twoSidedNormal(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  return x < 2 ? 1 - erfSeries(x) : erfcFraction(x);
}

/** The probability that a chi-squared variable of one degree of freedom is at least as large as x. */
export function chiSquaredTail(x: number): number {
  return twoSidedNormal(Math.sqrt(x));
}

/** The error function; many digits for small x only. */
function erfSeries(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; term > 1e-17 * sum; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

const FRACTIONS = 120;

/** One less the error function; many digits for large x only. */
function erfcFraction(x: number): number {
  let fraction = x;
  for (let n = FRACTIONS; n > 0; n--) fraction = x + n / 2 / fraction;
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * fraction);
}

/**
 * Twice the probability of at most `few` heads among n tosses of a fair coin, at most 1: the exact two-sided test that heads
 * and tails are alike.
 */
export function twoSidedSign(few: number, n: number): number {
  let term = 0.5 ** n;
  let sum = 0;
  for (let heads = 0; heads <= few; heads++) {
    sum += term;
    term *= (n - heads) / (heads + 1);
  }
  return Math.min(1, 2 * sum);
}
