import { quantization } from "./dynamic-quantization.ts";

/** Levels on either side of 0, which is {@link zeroOfSymmetric}. */
export const symmetricHalf = 127;
export const zeroOfSymmetric = 128;
/** The largest magnitude counts as no less, so that its reciprocal stays a number. */
export const smallestOfSymmetric = 1e-30;

/**
 * The 255 levels of each row of a matrix, from minus to plus the row's largest magnitude: -127 to 127, rounded to the nearest. In
 * float32 as ONNX Runtime computes them.
 *
 * @returns the step of each row [rows]; levels [rows, columns].
 */
export function symmetricLevels(x: Float64Array, rows: number, columns: number) {
  const { fround } = Math;
  const steps = new Float64Array(rows);
  const levels = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const line = x.subarray(row * columns, (row + 1) * columns);
    const largest = line.reduce((most, value) => Math.max(most, Math.abs(fround(value))), fround(smallestOfSymmetric));
    const step = fround(largest / symmetricHalf);
    steps[row] = step;
    levels.set(
      quantization(line, step, zeroOfSymmetric).map((level) => level - zeroOfSymmetric),
      row * columns,
    );
  }
  return { steps, levels };
}
