// The two passes of Pillow's 8-bit resampling. A coefficient c has 22 fractional bits and is split into
// c = high * 4096 + low with 0 <= low < 4096, so that both halves fit the 16-bit lanes of the dot product;
// the sums are exact modulo 2^32, as Pillow's are.
// Wide loads and stores run past the end of a row: the caller pads every buffer.

const ROUND: i32 = 1 << 21;

// AssemblyScript takes a decorator on a function; editors read this file as TypeScript, which does not.
// @ts-ignore: decorator
@inline
function toBytes(high: v128, low: v128): v128 {
  const sum = i32x4.add(i32x4.add(i32x4.shl(high, 12), low), i32x4.splat(ROUND));
  return i32x4.shr_s(sum, 22);
}

/**
 * One channel along x. `first`: i32 per output pixel. `coefficients`: per output pixel `taps / 8` groups of
 * eight high halves and eight low halves (i16).
 */
export function horizontal1(
  src: usize, srcStride: i32, dst: usize, rows: i32, outWidth: i32, first: usize, coefficients: usize, taps: i32,
): void {
  for (let y = 0; y < rows; y++) {
    const row = src + <usize>(y * srcStride);
    const out = dst + <usize>(y * outWidth);
    let c = coefficients;
    for (let x = 0; x < outWidth; x++) {
      let pixel = row + <usize>load<i32>(first + (<usize>x << 2));
      let high = i32x4.splat(0);
      let low = i32x4.splat(0);
      for (let t = 0; t < taps; t += 8) {
        const values = v128.load_ext<u8>(pixel);
        high = i32x4.add(high, i32x4.dot_i16x8_s(values, v128.load(c)));
        low = i32x4.add(low, i32x4.dot_i16x8_s(values, v128.load(c, 16)));
        c += 32;
        pixel += 8;
      }
      const lanes = i32x4.add(i32x4.shl(high, 12), low);
      const halves = i32x4.add(lanes, v128.shuffle<i32>(lanes, lanes, 2, 3, 0, 1));
      const sum = (i32x4.extract_lane(halves, 0) + i32x4.extract_lane(halves, 1) + ROUND) >> 22;
      store<u8>(out + <usize>x, sum < 0 ? 0 : sum > 255 ? 255 : sum);
    }
  }
}

/**
 * Three interleaved channels along x. `first`: i32 per output pixel. `coefficients`: per output pixel `taps / 2`
 * groups of two high halves and two low halves (i16); `taps` is a multiple of 4.
 */
export function horizontal3(
  src: usize, srcStride: i32, dst: usize, rows: i32, outWidth: i32, first: usize, coefficients: usize, taps: i32,
): void {
  const zero = i32x4.splat(0);
  for (let y = 0; y < rows; y++) {
    const row = src + <usize>(y * srcStride);
    let out = dst + <usize>(y * outWidth * 3);
    let c = coefficients;
    for (let x = 0; x < outWidth; x++) {
      let pixel = row + <usize>(load<i32>(first + (<usize>x << 2)) * 3);
      let high = zero;
      let low = zero;
      for (let t = 0; t < taps; t += 4) {
        const bytes = v128.load(pixel);
        const pairs = v128.shuffle<i8>(bytes, zero, 0, 3, 1, 4, 2, 5, 16, 16, 6, 9, 7, 10, 8, 11, 16, 16);
        const a = i16x8.extend_low_i8x16_u(pairs);
        const b = i16x8.extend_high_i8x16_u(pairs);
        high = i32x4.add(high, i32x4.dot_i16x8_s(a, v128.load_splat<u32>(c)));
        low = i32x4.add(low, i32x4.dot_i16x8_s(a, v128.load_splat<u32>(c, 4)));
        high = i32x4.add(high, i32x4.dot_i16x8_s(b, v128.load_splat<u32>(c, 8)));
        low = i32x4.add(low, i32x4.dot_i16x8_s(b, v128.load_splat<u32>(c, 12)));
        c += 16;
        pixel += 12;
      }
      const words = i16x8.narrow_i32x4_s(toBytes(high, low), zero);
      v128.store_lane<u32>(out, i8x16.narrow_i16x8_u(words, words), 0);
      out += 3;
    }
  }
}

/**
 * Rows of `rowBytes` bytes along y. `first`: i32 per output row. `coefficients`: per output row `taps / 2` groups of
 * two high halves and two low halves (i16).
 */
export function vertical(
  src: usize, dst: usize, outRows: i32, rowBytes: i32, first: usize, coefficients: usize, taps: i32,
): void {
  const zero = i32x4.splat(0);
  for (let y = 0; y < outRows; y++) {
    const top = src + <usize>(load<i32>(first + (<usize>y << 2)) * rowBytes);
    const out = dst + <usize>(y * rowBytes);
    const rowCoefficients = coefficients + <usize>(y * taps * 4);
    for (let x = 0; x < rowBytes; x += 16) {
      let high0 = zero, high1 = zero, high2 = zero, high3 = zero;
      let low0 = zero, low1 = zero, low2 = zero, low3 = zero;
      let row = top + <usize>x;
      let c = rowCoefficients;
      for (let t = 0; t < taps; t += 2) {
        const a = v128.load(row);
        const b = v128.load(row + <usize>rowBytes);
        const left = v128.shuffle<i8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        const right = v128.shuffle<i8>(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
        const p0 = i16x8.extend_low_i8x16_u(left);
        const p1 = i16x8.extend_high_i8x16_u(left);
        const p2 = i16x8.extend_low_i8x16_u(right);
        const p3 = i16x8.extend_high_i8x16_u(right);
        const high = v128.load_splat<u32>(c);
        const low = v128.load_splat<u32>(c, 4);
        high0 = i32x4.add(high0, i32x4.dot_i16x8_s(p0, high));
        high1 = i32x4.add(high1, i32x4.dot_i16x8_s(p1, high));
        high2 = i32x4.add(high2, i32x4.dot_i16x8_s(p2, high));
        high3 = i32x4.add(high3, i32x4.dot_i16x8_s(p3, high));
        low0 = i32x4.add(low0, i32x4.dot_i16x8_s(p0, low));
        low1 = i32x4.add(low1, i32x4.dot_i16x8_s(p1, low));
        low2 = i32x4.add(low2, i32x4.dot_i16x8_s(p2, low));
        low3 = i32x4.add(low3, i32x4.dot_i16x8_s(p3, low));
        c += 8;
        row += <usize>(rowBytes << 1);
      }
      const words0 = i16x8.narrow_i32x4_s(toBytes(high0, low0), toBytes(high1, low1));
      const words1 = i16x8.narrow_i32x4_s(toBytes(high2, low2), toBytes(high3, low3));
      v128.store(out + <usize>x, i8x16.narrow_i16x8_u(words0, words1));
    }
  }
}
