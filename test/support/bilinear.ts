import type { Grid } from "../../src/results/visual/index.ts";

/**
 * A grid resized to height × width by bilinear interpolation, cell centres as sample points, edges repeated
 * (PyTorch's `interpolate` with `align_corners=False`).
 */
export function resizeGrid(grid: Grid, height: number, width: number): Float64Array {
  const rows = samples(grid.height, height);
  const columns = samples(grid.width, width);
  const value = (y: number, x: number): number => grid.data[y * grid.width + x] as number;
  const out = new Float64Array(height * width);
  let index = 0;
  for (const row of rows) {
    for (const column of columns) {
      const top = mix(value(row.low, column.low), value(row.low, column.high), column.share);
      const bottom = mix(value(row.high, column.low), value(row.high, column.high), column.share);
      out[index++] = mix(top, bottom, row.share);
    }
  }
  return out;
}

/** For each output position the two cells it lies between and how far it is towards the second. */
function samples(cells: number, size: number): { low: number; high: number; share: number }[] {
  return Array.from({ length: size }, (_, i) => {
    const position = Math.min(cells - 1, Math.max(0, ((i + 0.5) * cells) / size - 0.5));
    const low = Math.floor(position);
    return { low, high: Math.min(cells - 1, low + 1), share: position - low };
  });
}

// Written so that equal ends give exactly that value: a plateau must not gain peaks from rounding.
const mix = (from: number, to: number, share: number): number => from + (to - from) * share;
