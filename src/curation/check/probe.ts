import { FOLDS, judge, type Prediction, type Trial } from "./folds.ts";

/** Penalty for each picture, in units of the features' variance. */
const RIDGE = 0.03;

/**
 * How well a linear classifier predicts the targets from a few numbers for each picture, cross-validated: ridge
 * regression on one indicator for each target, all targets weighing the same.
 *
 * @param featuresOf the numbers of a picture, `width` of them, by its position; NaN where one is not known, which then
 * says nothing for or against any target.
 */
export function probe(trial: Trial, featuresOf: (at: number) => ArrayLike<number>, width: number): Prediction {
  const { members, targets, folds, values } = trial;
  const rows = standardisedRows(members, featuresOf, width);
  const columns = width + 1;
  const classes = values.length;
  const sizes = new Array<number>(classes).fill(0);
  for (const target of targets) sizes[target] = (sizes[target] as number) + 1;
  const grams = Array.from({ length: FOLDS }, () => new Float64Array(columns * columns));
  const rights = Array.from({ length: FOLDS }, () => new Float64Array(columns * classes));
  for (const [k, row] of rows.entries()) {
    const target = targets[k] as number;
    const weight = members.length / (classes * (sizes[target] as number));
    const gram = grams[folds[k] as number] as Float64Array;
    const right = rights[folds[k] as number] as Float64Array;
    for (let i = 0; i < columns; i++) {
      const own = weight * (row[i] as number);
      right[i * classes + target] = (right[i * classes + target] as number) + own;
      for (let j = 0; j <= i; j++) gram[i * columns + j] = (gram[i * columns + j] as number) + own * (row[j] as number);
    }
  }
  const gramOfAll = total(grams);
  const rightOfAll = total(rights);
  const predicted = new Int32Array(members.length);
  for (let fold = 0; fold < FOLDS; fold++) {
    const gram = gramOfAll.map((value, at) => value - (grams[fold]?.[at] as number));
    for (let i = 1; i < columns; i++)
      gram[i * columns + i] = (gram[i * columns + i] as number) + RIDGE * members.length;
    gram[0] = (gram[0] as number) + 1e-6;
    const weights = rightOfAll.map((value, at) => value - (rights[fold]?.[at] as number));
    solveInPlace(gram, weights, columns, classes);
    for (const [k, row] of rows.entries()) {
      if (folds[k] === fold) predicted[k] = strongest(row, weights, classes);
    }
  }
  return judge(trial, predicted);
}

/** Features of mean 0 and variance 1 behind a constant 1; features that do not vary, or are not known, become 0. */
function standardisedRows(
  members: Int32Array,
  featuresOf: (at: number) => ArrayLike<number>,
  width: number,
): Float64Array[] {
  const rows = Array.from(members, (at) => Float64Array.from([1, ...Array.from(featuresOf(at))]));
  for (let column = 1; column <= width; column++) {
    let known = 0;
    let sum = 0;
    let squares = 0;
    for (const row of rows) {
      const value = row[column] as number;
      if (Number.isNaN(value)) continue;
      known++;
      sum += value;
      squares += value ** 2;
    }
    const mean = sum / Math.max(1, known);
    const deviation = Math.sqrt(Math.max(0, squares / Math.max(1, known) - mean * mean));
    for (const row of rows) {
      const value = row[column] as number;
      row[column] = deviation < 1e-6 || Number.isNaN(value) ? 0 : (value - mean) / deviation;
    }
  }
  return rows;
}

function total(parts: readonly Float64Array[]): Float64Array {
  const sum = new Float64Array((parts[0] as Float64Array).length);
  for (const part of parts) for (const [at, value] of part.entries()) sum[at] = (sum[at] as number) + value;
  return sum;
}

/** Cholesky: `matrix` [n, n] holds its lower half; `right` [n, columns] becomes the solution. */
function solveInPlace(matrix: Float64Array, right: Float64Array, n: number, columns: number): void {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let value = matrix[i * n + j] as number;
      for (let k = 0; k < j; k++) value -= (matrix[i * n + k] as number) * (matrix[j * n + k] as number);
      matrix[i * n + j] = i === j ? Math.sqrt(Math.max(value, 1e-12)) : value / (matrix[j * n + j] as number);
    }
  }
  for (let column = 0; column < columns; column++) {
    for (let i = 0; i < n; i++) {
      let value = right[i * columns + column] as number;
      for (let k = 0; k < i; k++) value -= (matrix[i * n + k] as number) * (right[k * columns + column] as number);
      right[i * columns + column] = value / (matrix[i * n + i] as number);
    }
    for (let i = n - 1; i >= 0; i--) {
      let value = right[i * columns + column] as number;
      for (let k = i + 1; k < n; k++) value -= (matrix[k * n + i] as number) * (right[k * columns + column] as number);
      right[i * columns + column] = value / (matrix[i * n + i] as number);
    }
  }
}

function strongest(row: Float64Array, weights: Float64Array, classes: number): number {
  let best = 0;
  let bestScore = Number.NEGATIVE_INFINITY;
  for (let target = 0; target < classes; target++) {
    let score = 0;
    for (let i = 0; i < row.length; i++) score += (row[i] as number) * (weights[i * classes + target] as number);
    if (score > bestScore) {
      best = target;
      bestScore = score;
    }
  }
  return best;
}
