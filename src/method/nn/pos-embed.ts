/** The patch grid of an image, in patches. */
export interface Grid {
  height: number;
  width: number;
}

/**
 * The fixed two-dimensional sine-cosine table [1 + height · width, dim], row-major over the grid, with a zero row for
 * the cls token first. Half of the features encode the column (w), the other half the row; each half is
 * [sin(position · ω), cos(position · ω)] with ω_i = 10000^(-i / (dim / 4)).
 *
 * Source: MAE (He et al. 2022); method.md section 1.
 */
export function sinCosPositionEmbedding(dim: number, grid: Grid): Float64Array {
  const quarter = dim / 4;
  const frequencies = Float64Array.from({ length: quarter }, (_, i) => 1 / 10000 ** (i / quarter));
  const table = new Float64Array((1 + grid.height * grid.width) * dim);
  for (let row = 0; row < grid.height; row++) {
    for (let column = 0; column < grid.width; column++) {
      const start = (1 + row * grid.width + column) * dim;
      frequencies.forEach((frequency, i) => {
        table[start + i] = Math.sin(column * frequency);
        table[start + quarter + i] = Math.cos(column * frequency);
        table[start + 2 * quarter + i] = Math.sin(row * frequency);
        table[start + 3 * quarter + i] = Math.cos(row * frequency);
      });
    }
  }
  return table;
}
