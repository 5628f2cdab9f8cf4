import { FOLDS, judge, type Prediction, type Trial } from "./folds.ts";

const NUMERIC_BINS = 10;
const MOST_CATEGORIES = 20;

/** How far one property of a picture, looked at alone, tells the targets apart. */
export interface Association extends Prediction {
  /** Bias-corrected Cramér's V, 0 (independent) to 1 (the property names the target). */
  cramersV: number;
}

/**
 * Associates a property with the targets: its values, or ten classes of equal size where it is a number, against the
 * targets; and, cross-validated, how well the likeliest target of each value predicts.
 * Source: Bergsma 2013, "A bias-correction for Cramér's V and Tschuprow's T".
 *
 * @returns undefined for a property that does not vary.
 */
export function associate(trial: Trial, readProperty: (at: number) => number | string): Association | undefined {
  const values = Array.from(trial.members, readProperty);
  const categories = typeof values[0] === "number" ? quantiles(values as number[]) : frequent(values as string[]);
  const count = Math.max(...categories) + 1;
  if (count < 2) return undefined;
  return { cramersV: cramersV(trial, categories, count), ...judge(trial, predictions(trial, categories, count)) };
}

function quantiles(values: readonly number[]): Int32Array {
  const sorted = Float64Array.from(values).sort();
  const edges = Array.from({ length: NUMERIC_BINS - 1 }, (_, k) => {
    return sorted[Math.floor(((k + 1) * sorted.length) / NUMERIC_BINS)] as number;
  });
  const distinct = [...new Set(edges)].filter((edge) => edge > (sorted[0] as number));
  return Int32Array.from(values, (value) => distinct.filter((edge) => value >= edge).length);
}

function frequent(values: readonly string[]): Int32Array {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const names = [...counts].sort(([, a], [, b]) => b - a).map(([name]) => name);
  const ranks = new Map(names.map((name, rank) => [name, Math.min(rank, MOST_CATEGORIES)]));
  return Int32Array.from(values, (value) => ranks.get(value) as number);
}

function cramersV({ targets, values }: Trial, categories: Int32Array, count: number): number {
  const n = targets.length;
  const classes = values.length;
  const table = new Float64Array(count * classes);
  const rows = new Float64Array(count);
  const columns = new Float64Array(classes);
  for (const [k, target] of targets.entries()) {
    const category = categories[k] as number;
    table[category * classes + target] = (table[category * classes + target] as number) + 1;
    rows[category] = (rows[category] as number) + 1;
    columns[target] = (columns[target] as number) + 1;
  }
  let chiSquared = 0;
  for (const [at, observed] of table.entries()) {
    const expected = ((rows[Math.floor(at / classes)] as number) * (columns[at % classes] as number)) / n;
    if (expected > 0) chiSquared += (observed - expected) ** 2 / expected;
  }
  const filled = rows.filter((row) => row > 0).length;
  const corrected = Math.max(0, chiSquared / n - ((filled - 1) * (classes - 1)) / (n - 1));
  const rowsCorrected = filled - (filled - 1) ** 2 / (n - 1);
  const columnsCorrected = classes - (classes - 1) ** 2 / (n - 1);
  const least = Math.min(rowsCorrected, columnsCorrected) - 1;
  return least > 0 ? Math.min(1, Math.sqrt(corrected / least)) : 0;
}

/** The target that each category makes likeliest where all targets are equally frequent, learnt from the other folds. */
function predictions({ targets, folds, values }: Trial, categories: Int32Array, count: number): Int32Array {
  const classes = values.length;
  const predicted = new Int32Array(targets.length);
  for (let fold = 0; fold < FOLDS; fold++) {
    const table = new Float64Array(count * classes);
    const sizes = new Float64Array(classes).fill(1e-9);
    for (const [k, target] of targets.entries()) {
      if (folds[k] === fold) continue;
      const at = (categories[k] as number) * classes + target;
      table[at] = (table[at] as number) + 1;
      sizes[target] = (sizes[target] as number) + 1;
    }
    for (const [k] of targets.entries()) {
      if (folds[k] !== fold) continue;
      const row = table.subarray((categories[k] as number) * classes, ((categories[k] as number) + 1) * classes);
      const shares = Array.from(row, (seen, target) => seen / (sizes[target] as number));
      predicted[k] = shares.indexOf(Math.max(...shares));
    }
  }
  return predicted;
}

/** Jensen-Shannon distance of two histograms, 0 (equal) to 1 (nothing in common). Source: Lin 1991, base 2, its root. */
export function jensenShannon(a: Float64Array, b: Float64Array): number {
  let divergence = 0;
  for (const [bin, share] of a.entries()) {
    const other = b[bin] as number;
    const middle = (share + other) / 2;
    if (share > 0) divergence += (share * Math.log2(share / middle)) / 2;
    if (other > 0) divergence += (other * Math.log2(other / middle)) / 2;
  }
  return Math.sqrt(Math.max(0, divergence));
}
