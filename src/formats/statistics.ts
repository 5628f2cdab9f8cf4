import type { NumericArray } from "./source-image.ts";

/** Of more values than this, an even choice is sorted for percentiles. */
const MOST_SORTED = 2 ** 18;

/**
 * Smallest and largest finite value; undefined where there is none.
 *
 * @param unmeasured 1 for each value that does not count.
 */
export function finiteRange(values: NumericArray, unmeasured?: Uint8Array): [number, number] | undefined {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let at = 0; at < values.length; at++) {
    if (unmeasured?.[at] === 1) continue;
    const value = values[at] as number;
    if (value < low && value !== Number.NEGATIVE_INFINITY) low = value;
    if (value > high && value !== Number.POSITIVE_INFINITY) high = value;
  }
  return low <= high ? [low, high] : undefined;
}

/**
 * At most `most` of the finite values, evenly chosen by position and sorted, and always the smallest and the largest.
 *
 * @param unmeasured 1 for each value that does not count.
 */
export function sortedSample(values: NumericArray, most: number = MOST_SORTED, unmeasured?: Uint8Array): Float64Array {
  const range = finiteRange(values, unmeasured);
  if (!range) return new Float64Array(0);
  const all = values.length <= most;
  const count = all ? values.length : most;
  const chosen = new Float64Array(count + (all ? 0 : 2));
  let length = 0;
  for (let i = 0; i < count; i++) {
    // The middle of each of `count` equal stretches.
    const at = all ? i : Math.floor(((i + 0.5) * values.length) / count);
    const value = values[at] as number;
    if (Number.isFinite(value) && unmeasured?.[at] !== 1) chosen[length++] = value;
  }
  if (!all) {
    chosen[length++] = range[0];
    chosen[length++] = range[1];
  }
  return chosen.subarray(0, length).sort();
}

/** A percentile (0 to 100) of sorted values, between neighbours in proportion, as NumPy's default. */
export function percentileOf(sorted: Float64Array, percent: number): number {
  const position = (percent / 100) * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below] as number;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] as number;
  return low + (high - low) * (position - below);
}

/** The levels of colours stored as floats, which are from 0 to 1 by custom; undefined where the values are not. */
export function unitLevels(values: NumericArray): readonly [number, number] | undefined {
  if (!(values instanceof Float32Array || values instanceof Float64Array)) return undefined;
  const range = finiteRange(values);
  return range && range[0] >= 0 && range[1] <= 1 ? [0, 1] : undefined;
}
