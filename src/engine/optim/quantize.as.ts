// SIMD kernels that keep int8 copies of a weight beside it. Pointers are bytes; a weight is [rows, columns], rows counted
// in fours and columns in sixteens. int8 values stay within ±64: see quantized-weights.ts. Floats that are not negative are
// in the order of their bits: magnitudes are compared as integers, one instruction, which takes NaN for the largest.

/** Below this a row or column counts as zero: its factor would no longer be a number of float32. */
const SMALLEST: f32 = 1e-30;
const LEVELS: f32 = 64;

@inline
function factorsOf(largest: v128): v128 {
  return v128.andnot(
    f32x4.div(f32x4.splat(LEVELS), largest),
    f32x4.lt(largest, f32x4.splat(SMALLEST)),
  );
}

/**
 * Sixteen floats within ±64 as int8, rounded to the nearest, halves to even: beside 1.5 · 2²³ a float32 has no room for
 * fractions, and its last byte is the whole number.
 */
@inline
function narrowed(a: v128, b: v128, c: v128, d: v128): v128 {
  const low = i16x8.narrow_i32x4_u(lastByte(a), lastByte(b));
  const high = i16x8.narrow_i32x4_u(lastByte(c), lastByte(d));
  return i8x16.narrow_i16x8_u(low, high);
}

@inline
function lastByte(x: v128): v128 {
  return v128.and(f32x4.add(x, f32x4.splat(12582912)), i32x4.splat(255));
}

@inline
function raise(at: usize, bits: i32): void {
  let known = atomic.load<i32>(at);
  while (bits > known) {
    const found = atomic.cmpxchg<i32>(at, known, bits);
    if (found == known) return;
    known = found;
  }
}

/**
 * Raises each of `maxima` to the largest magnitude of its column. Several threads may work on rows of one weight: a
 * maximum has no order of operations.
 */
export function columnMaxima(weight: usize, rows: u32, columns: u32, maxima: usize): void {
  const rowBytes: usize = (<usize>columns) << 2;
  for (let column: u32 = 0; column < columns; column += 4) {
    let at: usize = weight + ((<usize>column) << 2);
    let largest = i32x4.splat(0);
    for (let row: u32 = 0; row < rows; row++) {
      largest = i32x4.max_s(largest, f32x4.abs(v128.load(at)));
      at += rowBytes;
    }
    const to: usize = maxima + ((<usize>column) << 2);
    raise(to, i32x4.extract_lane(largest, 0));
    raise(to + 4, i32x4.extract_lane(largest, 1));
    raise(to + 8, i32x4.extract_lane(largest, 2));
    raise(to + 12, i32x4.extract_lane(largest, 3));
  }
}

@inline
function rowScale(row: usize, columns: u32): f32 {
  let largest4 = i32x4.splat(0);
  const end: usize = row + ((<usize>columns) << 2);
  for (let at: usize = row; at < end; at += 16) largest4 = i32x4.max_s(largest4, f32x4.abs(v128.load(at)));
  const largest = reinterpret<f32>(
    max<i32>(
      max<i32>(i32x4.extract_lane(largest4, 0), i32x4.extract_lane(largest4, 1)),
      max<i32>(i32x4.extract_lane(largest4, 2), i32x4.extract_lane(largest4, 3)),
    ),
  );
  return largest / LEVELS;
}

/**
 * Writes rows of a weight in int8 twice: transposed, [columns, stride], with a scale for each row, and as they lie,
 * [rows, columns], with a scale for each column, of which `maxima` are the largest magnitudes.
 *
 * @param transposed where the first of these rows begins as a column.
 */
export function quantize(
  weight: usize, rows: u32, columns: u32, stride: u32,
  transposed: usize, rowScales: usize, plain: usize, maxima: usize,
): void {
  const rowBytes: usize = (<usize>columns) << 2;
  for (let row: u32 = 0; row < rows; row++) {
    store<f32>(rowScales + ((<usize>row) << 2), rowScale(weight + (<usize>row) * rowBytes, columns));
  }
  const by = f32x4.splat(LEVELS);
  // Columns outside: what is written across stays on few cache lines until they are full.
  for (let column: u32 = 0; column < columns; column += 16) {
    const at: usize = (<usize>column) << 2;
    const c0 = factorsOf(v128.load(maxima + at));
    const c1 = factorsOf(v128.load(maxima + at, 16));
    const c2 = factorsOf(v128.load(maxima + at, 32));
    const c3 = factorsOf(v128.load(maxima + at, 48));
    let from: usize = weight + at;
    let to: usize = plain + <usize>column;
    let across: usize = transposed + (<usize>column) * (<usize>stride);
    for (let row: u32 = 0; row < rows; row += 4) {
      const factors = factorsOf(f32x4.mul(v128.load(rowScales + ((<usize>row) << 2)), by));
      const a = sixteen(from, f32x4.splat(f32x4.extract_lane(factors, 0)), c0, c1, c2, c3, to);
      const b = sixteen(from + rowBytes, f32x4.splat(f32x4.extract_lane(factors, 1)), c0, c1, c2, c3, to + columns);
      from += rowBytes << 1;
      to += (<usize>columns) << 1;
      const c = sixteen(from, f32x4.splat(f32x4.extract_lane(factors, 2)), c0, c1, c2, c3, to);
      const d = sixteen(from + rowBytes, f32x4.splat(f32x4.extract_lane(factors, 3)), c0, c1, c2, c3, to + columns);
      from += rowBytes << 1;
      to += (<usize>columns) << 1;
      const ab0 = i8x16.shuffle(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      const ab1 = i8x16.shuffle(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
      const cd0 = i8x16.shuffle(c, d, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      const cd1 = i8x16.shuffle(c, d, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
      const four: usize = (<usize>stride) << 2;
      fourColumns(across, stride, i16x8.shuffle(ab0, cd0, 0, 8, 1, 9, 2, 10, 3, 11));
      fourColumns(across + four, stride, i16x8.shuffle(ab0, cd0, 4, 12, 5, 13, 6, 14, 7, 15));
      fourColumns(across + 2 * four, stride, i16x8.shuffle(ab1, cd1, 0, 8, 1, 9, 2, 10, 3, 11));
      fourColumns(across + 3 * four, stride, i16x8.shuffle(ab1, cd1, 4, 12, 5, 13, 6, 14, 7, 15));
      across += 4;
    }
  }
}

/** Sixteen floats of a row: by the columns' factors to `to`, and by the row's factor as the result. */
@inline
function sixteen(at: usize, factor: v128, c0: v128, c1: v128, c2: v128, c3: v128, to: usize): v128 {
  const w0 = v128.load(at);
  const w1 = v128.load(at, 16);
  const w2 = v128.load(at, 32);
  const w3 = v128.load(at, 48);
  v128.store(to, narrowed(f32x4.mul(w0, c0), f32x4.mul(w1, c1), f32x4.mul(w2, c2), f32x4.mul(w3, c3)));
  return narrowed(f32x4.mul(w0, factor), f32x4.mul(w1, factor), f32x4.mul(w2, factor), f32x4.mul(w3, factor));
}

/** Four columns of four rows, the rows of a column side by side. */
@inline
function fourColumns(at: usize, stride: u32, values: v128): void {
  v128.store32_lane(at, values, 0);
  v128.store32_lane(at + stride, values, 1);
  v128.store32_lane(at + 2 * (<usize>stride), values, 2);
  v128.store32_lane(at + 3 * (<usize>stride), values, 3);
}

/** The scales that belong to the largest magnitudes of columns. */
export function columnScales(maxima: usize, columns: u32, scales: usize): void {
  const by = f32x4.splat(LEVELS);
  for (let at: usize = 0; at < (<usize>columns) << 2; at += 16) {
    v128.store(scales + at, f32x4.div(v128.load(maxima + at), by));
  }
}
