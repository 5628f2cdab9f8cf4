import { classesBy } from "./classes.ts";

/**
 * One grade of several in their order: `logits` [batch, grades − 1], of which the one of number k tells whether the grade
 * is above k where it is at least k. The best epoch is that of the highest quadratic kappa.
 */
export const grades = classesBy({ probabilities: gradeProbabilities, logits: gradeLogits }, ({ kappaQuadratic }) => ({
  name: "kappaQuadratic",
  value: kappaQuadratic ?? 0,
}));

/**
 * The probability of each grade: P(y > k) is the product of the conditional ones up to k, so that it never rises.
 *
 * @param logits [n, grades − 1]
 * @returns [n, grades], rows that sum to 1.
 * Source: Shi, Cao & Raschka 2023, "Deep neural networks for rank-consistent ordinal regression" (CORN).
 */
export function gradeProbabilities(logits: ArrayLike<number>, grades: number): Float64Array {
  const tasks = grades - 1;
  const rows = logits.length / tasks;
  const probabilities = new Float64Array(rows * grades);
  for (let row = 0; row < rows; row++) {
    let above = 1;
    for (let k = 0; k < tasks; k++) {
      const further = above / (1 + Math.exp(-(logits[row * tasks + k] as number)));
      probabilities[row * grades + k] = above - further;
      above = further;
    }
    probabilities[row * grades + tasks] = above;
  }
  return probabilities;
}

/**
 * The logarithms of the probabilities of grades: divided by a temperature they keep their order, which the outputs
 * themselves, whose products they are, would not.
 *
 * @param logits [n, grades − 1]
 * @returns [n, grades], finite where the logits are.
 */
export function gradeLogits(logits: ArrayLike<number>, grades: number): Float64Array {
  const tasks = grades - 1;
  const rows = logits.length / tasks;
  const told = new Float64Array(rows * grades);
  for (let row = 0; row < rows; row++) {
    let reached = 0;
    for (let k = 0; k < tasks; k++) {
      const further = logits[row * tasks + k] as number;
      told[row * grades + k] = reached + logSigmoid(-further);
      reached += logSigmoid(further);
    }
    told[row * grades + tasks] = reached;
  }
  return told;
}

/** log(1 / (1 + e^−x)), without overflow. */
function logSigmoid(x: number): number {
  return Math.min(0, x) - Math.log1p(Math.exp(-Math.abs(x)));
}
