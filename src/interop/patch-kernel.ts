import { type CubicOptions, cubicTaps } from "./cubic-taps.ts";

/** A kernel of patches, weight [D, C, p, p]. */
export interface PatchKernel {
  shape: readonly [width: number, channels: number, rows: number, columns: number];
  values: ArrayLike<number>;
}

/**
 * The kernel for another number of channels. To one, they are summed: a grey image then gives what it gave as three equal
 * channels. From one, each of three gets a third of it: three equal channels then give what one gave. Other numbers have no
 * rule.
 *
 * @returns undefined where there is no rule.
 */
export function withChannels({ shape, values }: PatchKernel, channels: number): PatchKernel | undefined {
  const [width, from, rows, columns] = shape;
  if (from === channels) return { shape, values };
  if (Math.min(from, channels) !== 1 || Math.max(from, channels) !== 3) return undefined;
  const area = rows * columns;
  const resized = new Float64Array(width * channels * area);
  for (let row = 0; row < width; row++) {
    for (let at = 0; at < area; at++) {
      let sum = 0;
      for (let channel = 0; channel < from; channel++) sum += values[(row * from + channel) * area + at] as number;
      for (let channel = 0; channel < channels; channel++)
        resized[(row * channels + channel) * area + at] = sum / channels;
    }
  }
  return { shape: [width, channels, rows, columns], values: resized };
}

/**
 * The kernel for patches of another side, such that a patch enlarged as images are gives what the small one gave: the
 * pseudo-inverse of the resizing, along each axis.
 *
 * Source: Beyer et al. 2023, FlexiViT, section 3.4; with timm's resizing, bicubic with antialias.
 */
export function withPatchSize({ shape, values }: PatchKernel, side: number): PatchKernel {
  const [width, channels, rows, columns] = shape;
  const options = { antialias: true };
  const [down, across] = [pseudoInverse(rows, side, options), pseudoInverse(columns, side, options)];
  const resized = new Float64Array(width * channels * side * side);
  for (let plane = 0; plane < width * channels; plane++) {
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) {
        let sum = 0;
        for (let i = 0; i < rows; i++) {
          for (let j = 0; j < columns; j++) {
            const weight = (down[y * rows + i] as number) * (across[x * columns + j] as number);
            sum += weight * (values[(plane * rows + i) * columns + j] as number);
          }
        }
        resized[(plane * side + y) * side + x] = sum;
      }
    }
  }
  return { shape: [width, channels, side, side], values: resized };
}

/** Of the transpose of the matrix [to, from] that resizes one axis: [to, from], row by row. */
function pseudoInverse(from: number, to: number, options: CubicOptions): Float64Array {
  const resize = new Float64Array(to * from);
  cubicTaps(from, to, options).forEach((taps, row) => {
    for (const [position, weight] of taps) resize[row * from + position] = weight;
  });
  // R (RᵀR)⁻¹ where there are more rows than columns, (RRᵀ)⁻¹ R else: the smaller product is the one that can be inverted.
  if (to >= from)
    return product(
      resize,
      inverse(product(transposed(resize, to, from), resize, from, to, from), from),
      to,
      from,
      from,
    );
  return product(inverse(product(resize, transposed(resize, to, from), to, from, to), to), resize, to, to, from);
}

/** [rows, inner] × [inner, columns]. */
function product(a: Float64Array, b: Float64Array, rows: number, inner: number, columns: number): Float64Array {
  return Float64Array.from({ length: rows * columns }, (_, at) => {
    const [row, column] = [Math.floor(at / columns), at % columns];
    let sum = 0;
    for (let i = 0; i < inner; i++) sum += (a[row * inner + i] as number) * (b[i * columns + column] as number);
    return sum;
  });
}

function transposed(a: Float64Array, rows: number, columns: number): Float64Array {
  return Float64Array.from(
    { length: rows * columns },
    (_, at) => a[(at % rows) * columns + Math.floor(at / rows)] as number,
  );
}

/** Of a symmetric positive definite matrix [n, n], by Gauss and Jordan without pivots, which such a matrix does not need. */
function inverse(matrix: Float64Array, n: number): Float64Array {
  const left = Float64Array.from(matrix);
  const right = Float64Array.from({ length: n * n }, (_, at) => (at % (n + 1) === 0 ? 1 : 0));
  for (let pivot = 0; pivot < n; pivot++) {
    const scale = left[pivot * n + pivot] as number;
    for (let column = 0; column < n; column++) {
      left[pivot * n + column] = (left[pivot * n + column] as number) / scale;
      right[pivot * n + column] = (right[pivot * n + column] as number) / scale;
    }
    for (let row = 0; row < n; row++) {
      const factor = left[row * n + pivot] as number;
      if (row === pivot || factor === 0) continue;
      for (let column = 0; column < n; column++) {
        left[row * n + column] = (left[row * n + column] as number) - factor * (left[pivot * n + column] as number);
        right[row * n + column] = (right[row * n + column] as number) - factor * (right[pivot * n + column] as number);
      }
    }
  }
  return right;
}
