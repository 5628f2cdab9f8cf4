import { expect, test } from "vitest";
import { equivalence } from "../../../../src/results/metrics/index.ts";
import { studentQuantile } from "../../../../src/results/metrics/student.ts";

// Peer: scipy 1.17, stats.t.ppf and stats.t.interval.
test.each([
  [0.95, 1, 6.313751514675037],
  [0.95, 2, 2.9199855803537242],
  [0.95, 3, 2.3533634348018233],
  [0.975, 8, 2.306004135204166],
  [0.05, 7, -1.894578605090006],
  [0.975, 100, 1.9839715185235518],
])("Student's t stays below with probability %d, %d degrees of freedom: %d", (probability, degrees, value) => {
  expect(studentQuantile(probability, degrees)).toBeCloseTo(value, 11);
});

test("values are equal where the interval of the paired difference lies within the second's deviation on either side", () => {
  const second = [1, 1, 1.02, 0.95];
  const above = equivalence([1.02, 0.98, 1.05, 0.97], second);
  expect(above.difference).toBeCloseTo(0.0125, 12);
  expect(above.low).toBeCloseTo(-0.013591220103684326, 12);
  expect(above.high).toBeCloseTo(0.038591220103684334, 12);
  expect(above.margin).toBeCloseTo(0.02986078811194822, 12);
  expect(above.equal).toBe(false);
  const below = equivalence([0.99, 0.95, 1.02, 0.94], second);
  expect([below.low, below.high].map((value) => value.toFixed(6))).toEqual(["-0.043591", "0.008591"]);
  expect(below.equal).toBe(false);
  const near = equivalence([1.005, 0.995, 1.025, 0.945], second);
  expect(near.equal).toBe(true);
});
