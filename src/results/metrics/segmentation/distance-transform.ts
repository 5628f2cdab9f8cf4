import type { PixelSpacing } from "../../../formats/source-image.ts";

/**
 * The squared distance of every pixel's centre to that of the nearest site, exact, in time that grows with the number of
 * pixels alone.
 *
 * @param sites [height, width], non-zero at sites.
 * @returns [height, width] in the square of the spacing's unit; Infinity where there is no site at all.
 *
 * Source: Felzenszwalb and Huttenlocher 2012, "Distance transforms of sampled functions": along columns by two sweeps,
 * then along each row the lower envelope of parabolas.
 */
export function squaredDistances(
  sites: ArrayLike<number>,
  height: number,
  width: number,
  [vertical, horizontal]: PixelSpacing,
): Float64Array {
  const distances = rowsToNearest(sites, height, width);
  for (let at = 0; at < distances.length; at++) distances[at] = ((distances[at] as number) * vertical) ** 2;
  const envelope = new Envelope(width, horizontal * horizontal);
  for (let y = 0; y < height; y++) envelope.apply(distances.subarray(y * width, (y + 1) * width));
  return distances;
}

/** [height, width]: rows between a pixel and the nearest site of its column, whole numbers or Infinity. */
function rowsToNearest(sites: ArrayLike<number>, height: number, width: number): Float64Array {
  const rows = new Float64Array(height * width);
  for (let at = 0; at < rows.length; at++) {
    const above = at < width ? Number.POSITIVE_INFINITY : (rows[at - width] as number);
    rows[at] = sites[at] === 0 ? above + 1 : 0;
  }
  for (let at = rows.length - width - 1; at >= 0; at--) {
    const below = (rows[at + width] as number) + 1;
    if (below < (rows[at] as number)) rows[at] = below;
  }
  return rows;
}

/** The lower envelope of the parabolas over one row, with its working memory. */
class Envelope {
  /** Columns of the parabolas that are lowest somewhere, from left to right. */
  readonly #columns: Int32Array;
  /** Their heights at those columns. */
  readonly #heights: Float64Array;
  /** Where each begins to be the lowest, in columns. */
  readonly #starts: Float64Array;
  /** The square of the distance between neighbours. */
  readonly #step: number;

  constructor(width: number, step: number) {
    this.#columns = new Int32Array(width);
    this.#heights = new Float64Array(width);
    this.#starts = new Float64Array(width);
    this.#step = step;
  }

  /** Replaces each value of a row by the lowest of value + squared distance over all columns. */
  apply(row: Float64Array): void {
    const [columns, heights, starts, step] = [this.#columns, this.#heights, this.#starts, this.#step];
    let last = -1;
    for (let x = 0; x < row.length; x++) {
      const height = row[x] as number;
      if (height === Number.POSITIVE_INFINITY) continue;
      let start = Number.NEGATIVE_INFINITY;
      while (last >= 0) {
        const before = columns[last] as number;
        start = (x + before + (height - (heights[last] as number)) / (step * (x - before))) / 2;
        if (start > (starts[last] as number)) break;
        last--;
      }
      last++;
      columns[last] = x;
      heights[last] = height;
      starts[last] = last === 0 ? Number.NEGATIVE_INFINITY : start;
    }
    if (last < 0) return;
    for (let x = 0, k = 0; x < row.length; x++) {
      while (k < last && (starts[k + 1] as number) < x) k++;
      const away = x - (columns[k] as number);
      row[x] = (heights[k] as number) + step * (away * away);
    }
  }
}
