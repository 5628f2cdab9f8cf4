/**
 * The value that Student's t stays below with a probability.
 *
 * @param probability above 0 and below 1.
 * @param degrees of freedom, a whole number of at least 1.
 */
export function studentQuantile(probability: number, degrees: number): number {
  if (probability < 0.5) return -studentQuantile(1 - probability, degrees);
  // The angle whose tangent is t over the root of the degrees: it has bounds, which t has not.
  let [low, high] = [0, Math.PI / 2];
  for (;;) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) return Math.tan(middle) * Math.sqrt(degrees);
    if (0.5 + centre(middle, degrees) / 2 < probability) low = middle;
    else high = middle;
  }
}

/**
 * The probability of a t between minus and plus a value, by the angle of it.
 * Source: Abramowitz and Stegun 1964, 26.7.3 and 26.7.4.
 */
function centre(angle: number, degrees: number): number {
  const odd = degrees % 2 === 1;
  const square = Math.cos(angle) ** 2;
  let term = odd ? Math.cos(angle) : 1;
  let sum = degrees === 1 ? 0 : term;
  for (let k = odd ? 3 : 2; k < degrees; k += 2) {
    term *= (square * (k - 1)) / k;
    sum += term;
  }
  return odd ? (2 / Math.PI) * (angle + Math.sin(angle) * sum) : Math.sin(angle) * sum;
}
