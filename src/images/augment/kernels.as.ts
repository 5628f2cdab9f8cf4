// The heavy loops of augmentation on uint8 images. Arithmetic follows Pillow's types step by step (float64 for
// geometry, float32 for blending), so that results are equal to the byte.
// Wide loads and stores run past the end of a buffer: the caller pads every one.

// AssemblyScript takes a decorator on a function; editors read this file as TypeScript, which does not.
// @ts-ignore: decorator
@inline
function tap(pixel: usize): v128 {
  return i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(pixel)));
}

// @ts-ignore: decorator
@inline
function upper(lanes: v128): v128 {
  return v128.shuffle<i32>(lanes, lanes, 2, 3, 2, 3);
}

// @ts-ignore: decorator
@inline
function clip(value: i32, last: i32): i32 {
  return value < 0 ? 0 : value > last ? last : value;
}

// @ts-ignore: decorator
@inline
function outside(x: f64, y: f64, width: i32, height: i32): bool {
  // Written so that NaN is outside.
  return !(x >= 0 && x < <f64>width && y >= 0 && y < <f64>height);
}

// @ts-ignore: decorator
@inline
function fillPixel(out: usize, fill: i32, channels: i32): void {
  store<u8>(out, fill);
  if (channels == 3) {
    store<u8>(out, fill >> 8, 1);
    store<u8>(out, fill >> 16, 2);
  }
}

// @ts-ignore: decorator
@inline
function storeBytes(out: usize, rg: v128, b: v128): void {
  const low = i32x4.trunc_sat_f64x2_s_zero(rg);
  const high = i32x4.trunc_sat_f64x2_s_zero(b);
  store<u8>(out, i32x4.extract_lane(low, 0));
  store<u8>(out, i32x4.extract_lane(low, 1), 1);
  store<u8>(out, i32x4.extract_lane(high, 0), 2);
}

// @ts-ignore: decorator
@inline
function linear2(a: v128, b: v128, d: v128): v128 {
  return f64x2.add(a, f64x2.mul(f64x2.sub(b, a), d));
}

/** Pillow's bilinear sample of three channels at (x, y), where pixel centres lie at halves. */
// @ts-ignore: decorator
@inline
function bilinear3(src: usize, width: i32, height: i32, x: f64, y: f64, out: usize): void {
  const left = Math.floor(x - 0.5);
  const top = Math.floor(y - 0.5);
  const dx = f64x2.splat(x - 0.5 - left);
  const dy = f64x2.splat(y - 0.5 - top);
  const x0 = <usize>(clip(<i32>left, width - 1) * 3);
  const x1 = <usize>(clip(<i32>left + 1, width - 1) * 3);
  const above = src + <usize>(clip(<i32>top, height - 1) * width * 3);
  const below = src + <usize>(clip(<i32>top + 1, height - 1) * width * 3);
  const a = tap(above + x0), b = tap(above + x1), c = tap(below + x0), d = tap(below + x1);
  const rg = linear2(
    linear2(f64x2.convert_low_i32x4_s(a), f64x2.convert_low_i32x4_s(b), dx),
    linear2(f64x2.convert_low_i32x4_s(c), f64x2.convert_low_i32x4_s(d), dx),
    dy,
  );
  const blue = linear2(
    linear2(f64x2.convert_low_i32x4_s(upper(a)), f64x2.convert_low_i32x4_s(upper(b)), dx),
    linear2(f64x2.convert_low_i32x4_s(upper(c)), f64x2.convert_low_i32x4_s(upper(d)), dx),
    dy,
  );
  storeBytes(out, rg, blue);
}

// @ts-ignore: decorator
@inline
function linear1(a: f64, b: f64, d: f64): f64 {
  return a + (b - a) * d;
}

// @ts-ignore: decorator
@inline
function bilinear1(src: usize, width: i32, height: i32, x: f64, y: f64, out: usize): void {
  const left = Math.floor(x - 0.5);
  const top = Math.floor(y - 0.5);
  const dx = x - 0.5 - left;
  const x0 = <usize>clip(<i32>left, width - 1);
  const x1 = <usize>clip(<i32>left + 1, width - 1);
  const above = src + <usize>(clip(<i32>top, height - 1) * width);
  const below = src + <usize>(clip(<i32>top + 1, height - 1) * width);
  const upperValue = linear1(<f64>load<u8>(above + x0), <f64>load<u8>(above + x1), dx);
  const lowerValue = linear1(<f64>load<u8>(below + x0), <f64>load<u8>(below + x1), dx);
  store<u8>(out, <i32>linear1(upperValue, lowerValue, y - 0.5 - top));
}

// @ts-ignore: decorator
@inline
function cubic2(p1: v128, p2: v128, p3: v128, p4: v128, d: v128): v128 {
  const inner = f64x2.add(p3, f64x2.mul(d, p4));
  return f64x2.add(p1, f64x2.mul(d, f64x2.add(p2, f64x2.mul(d, inner))));
}

// @ts-ignore: decorator
@inline
function cubicColumn2(rows: usize, at: usize, d: v128): v128 {
  const v1 = v128.load(rows + at);
  const v2 = v128.load(rows + at, 32);
  const v3 = v128.load(rows + at, 64);
  const v4 = v128.load(rows + at, 96);
  const difference = f64x2.sub(v1, v2);
  const p3 = f64x2.sub(f64x2.add(f64x2.add(difference, difference), v3), v4);
  const p4 = f64x2.add(f64x2.sub(f64x2.sub(v2, v1), v3), v4);
  const value = cubic2(v2, f64x2.sub(v3, v1), p3, p4, d);
  return f64x2.pmin(f64x2.splat(255), f64x2.pmax(f64x2.splat(0), value));
}

/** Pillow's bicubic sample (a = −1) of three channels; `rows` is 128 bytes of scratch. */
// @ts-ignore: decorator
@inline
function bicubic3(src: usize, width: i32, height: i32, x: f64, y: f64, out: usize, rows: usize): void {
  const left = Math.floor(x - 0.5);
  const top = Math.floor(y - 0.5);
  const dx = f64x2.splat(x - 0.5 - left);
  const dy = f64x2.splat(y - 0.5 - top);
  const column = <i32>left - 1;
  const x0 = <usize>(clip(column, width - 1) * 3);
  const x1 = <usize>(clip(column + 1, width - 1) * 3);
  const x2 = <usize>(clip(column + 2, width - 1) * 3);
  const x3 = <usize>(clip(column + 3, width - 1) * 3);
  for (let k = 0; k < 4; k++) {
    const row = src + <usize>(clip(<i32>top - 1 + k, height - 1) * width * 3);
    const v1 = tap(row + x0), v2 = tap(row + x1), v3 = tap(row + x2), v4 = tap(row + x3);
    const p2 = i32x4.sub(v3, v1);
    const p3 = i32x4.sub(i32x4.add(i32x4.shl(i32x4.sub(v1, v2), 1), v3), v4);
    const p4 = i32x4.add(i32x4.sub(i32x4.sub(v2, v1), v3), v4);
    const rg = cubic2(
      f64x2.convert_low_i32x4_s(v2),
      f64x2.convert_low_i32x4_s(p2),
      f64x2.convert_low_i32x4_s(p3),
      f64x2.convert_low_i32x4_s(p4),
      dx,
    );
    const blue = cubic2(
      f64x2.convert_low_i32x4_s(upper(v2)),
      f64x2.convert_low_i32x4_s(upper(p2)),
      f64x2.convert_low_i32x4_s(upper(p3)),
      f64x2.convert_low_i32x4_s(upper(p4)),
      dx,
    );
    v128.store(rows + <usize>(k << 5), rg);
    v128.store(rows + <usize>(k << 5), blue, 16);
  }
  storeBytes(out, cubicColumn2(rows, 0, dy), cubicColumn2(rows, 16, dy));
}

// @ts-ignore: decorator
@inline
function cubic1(v1: f64, v2: f64, v3: f64, v4: f64, d: f64): f64 {
  const p3 = 2 * (v1 - v2) + v3 - v4;
  const p4 = v2 - v1 - v3 + v4;
  return v2 + d * (v3 - v1 + d * (p3 + d * p4));
}

// @ts-ignore: decorator
@inline
function bicubic1(src: usize, width: i32, height: i32, x: f64, y: f64, out: usize, rows: usize): void {
  const left = Math.floor(x - 0.5);
  const top = Math.floor(y - 0.5);
  const dx = x - 0.5 - left;
  const column = <i32>left - 1;
  const x0 = <usize>clip(column, width - 1);
  const x1 = <usize>clip(column + 1, width - 1);
  const x2 = <usize>clip(column + 2, width - 1);
  const x3 = <usize>clip(column + 3, width - 1);
  for (let k = 0; k < 4; k++) {
    const row = src + <usize>(clip(<i32>top - 1 + k, height - 1) * width);
    const value = cubic1(
      <f64>load<u8>(row + x0), <f64>load<u8>(row + x1), <f64>load<u8>(row + x2), <f64>load<u8>(row + x3), dx,
    );
    store<f64>(rows + <usize>(k << 3), value);
  }
  const value = cubic1(load<f64>(rows), load<f64>(rows, 8), load<f64>(rows, 16), load<f64>(rows, 24), y - 0.5 - top);
  store<u8>(out, <i32>Math.min(255, Math.max(0, value)));
}

/**
 * Samples at a·x + b·y + c, d·x + e·y + f for every output pixel centre. `matrix`: six f64, then 128 bytes of scratch.
 * `fill`: one byte per channel, the first lowest.
 */
export function affine(
  src: usize, dst: usize, width: i32, height: i32, channels: i32, matrix: usize, fill: i32, cubic: bool,
): void {
  const a = load<f64>(matrix), b = load<f64>(matrix, 8), c = load<f64>(matrix, 16);
  const d = load<f64>(matrix, 24), e = load<f64>(matrix, 32), f = load<f64>(matrix, 40);
  const rows = matrix + 48;
  let out = dst;
  for (let row = 0; row < height; row++) {
    const atX = b * (<f64>row + 0.5);
    const atY = e * (<f64>row + 0.5);
    for (let column = 0; column < width; column++) {
      const centre = <f64>column + 0.5;
      const x = a * centre + atX + c;
      const y = d * centre + atY + f;
      if (outside(x, y, width, height)) fillPixel(out, fill, channels);
      else if (channels == 3) {
        if (cubic) bicubic3(src, width, height, x, y, out, rows);
        else bilinear3(src, width, height, x, y, out);
      } else if (cubic) bicubic1(src, width, height, x, y, out, rows);
      else bilinear1(src, width, height, x, y, out);
      out += <usize>channels;
    }
  }
}

/** Samples bilinearly at given places. `xs`, `ys`: one f64 per output pixel, in pixels. */
export function remap(
  src: usize, dst: usize, width: i32, height: i32, channels: i32, xs: usize, ys: usize, fill: i32,
): void {
  let out = dst;
  const pixels = width * height;
  for (let at = 0; at < pixels; at++) {
    const x = load<f64>(xs + (<usize>at << 3));
    const y = load<f64>(ys + (<usize>at << 3));
    if (outside(x, y, width, height)) fillPixel(out, fill, channels);
    else if (channels == 3) bilinear3(src, width, height, x, y, out);
    else bilinear1(src, width, height, x, y, out);
    out += <usize>channels;
  }
}

// @ts-ignore: decorator
@inline
function blend4(from: v128, to: v128, alpha: v128): v128 {
  const value = f32x4.add(from, f32x4.mul(alpha, f32x4.sub(to, from)));
  return i32x4.trunc_sat_f32x4_s(f32x4.pmin(f32x4.splat(255), f32x4.pmax(f32x4.splat(0), value)));
}

// @ts-ignore: decorator
@inline
function store4(out: usize, lanes: v128): void {
  const words = i16x8.narrow_i32x4_s(lanes, lanes);
  v128.store32_lane(out, i8x16.narrow_i16x8_u(words, words), 0);
}

/** Replaces bytes by those of a table, one for each channel. `tables`: 256 bytes per channel. */
export function lookUp(image: usize, bytes: i32, channels: i32, tables: usize): void {
  const end = image + <usize>bytes;
  if (channels == 1) {
    for (let at = image; at < end; at++) store<u8>(at, load<u8>(tables + <usize>load<u8>(at)));
    return;
  }
  for (let at = image; at < end; at += 3) {
    store<u8>(at, load<u8>(tables + <usize>load<u8>(at)));
    store<u8>(at, load<u8>(tables + <usize>load<u8>(at, 1), 256), 1);
    store<u8>(at, load<u8>(tables + <usize>load<u8>(at, 2), 512), 2);
  }
}

// @ts-ignore: decorator
@inline
function count(bin: usize): void {
  store<u32>(bin, load<u32>(bin) + 1);
}

/** Counts bytes per channel. `counts`: 256 u32 per channel, overwritten. */
export function countValues(image: usize, bytes: i32, channels: i32, counts: usize): void {
  memory.fill(counts, 0, <usize>channels << 10);
  const end = image + <usize>bytes;
  if (channels == 1) {
    for (let at = image; at < end; at++) count(counts + (<usize>load<u8>(at) << 2));
    return;
  }
  for (let at = image; at < end; at += 3) {
    count(counts + (<usize>load<u8>(at) << 2));
    count(counts + 1024 + (<usize>load<u8>(at, 1) << 2));
    count(counts + 2048 + (<usize>load<u8>(at, 2) << 2));
  }
}

// @ts-ignore: decorator
@inline
function greyOf(pixel: usize): i32 {
  return (load<u8>(pixel) * 19595 + load<u8>(pixel, 1) * 38470 + load<u8>(pixel, 2) * 7471 + 0x8000) >> 16;
}

/** The sum of an RGB image's grey values (ITU-R 601-2, each rounded to a byte). */
export function greySum(image: usize, pixels: i32): f64 {
  let sum: u64 = 0;
  for (let at = 0, pixel = image; at < pixels; at++, pixel += 3) sum += greyOf(pixel);
  return <f64>sum;
}

// @ts-ignore: decorator
@inline
function blendUnclipped4(from: v128, to: v128, alpha: v128): v128 {
  return i32x4.trunc_sat_f32x4_s(f32x4.add(from, f32x4.mul(alpha, f32x4.sub(f32x4.convert_i32x4_s(to), from))));
}

/** Blends an RGB image with its grey version, four pixels at a time. */
export function saturate(src: usize, dst: usize, pixels: i32, alpha: f32): void {
  const share = f32x4.splat(alpha);
  const zero = i32x4.splat(0);
  const end = src + <usize>(pixels * 3);
  for (let from = src, to = dst; from < end; from += 12, to += 12) {
    const four = v128.load(from);
    const red = v128.shuffle<i8>(four, zero, 0, 16, 16, 16, 3, 16, 16, 16, 6, 16, 16, 16, 9, 16, 16, 16);
    const green = v128.shuffle<i8>(four, zero, 1, 16, 16, 16, 4, 16, 16, 16, 7, 16, 16, 16, 10, 16, 16, 16);
    const blue = v128.shuffle<i8>(four, zero, 2, 16, 16, 16, 5, 16, 16, 16, 8, 16, 16, 16, 11, 16, 16, 16);
    const sum = i32x4.add(
      i32x4.add(i32x4.mul(red, i32x4.splat(19595)), i32x4.mul(green, i32x4.splat(38470))),
      i32x4.add(i32x4.mul(blue, i32x4.splat(7471)), i32x4.splat(0x8000)),
    );
    const grey = f32x4.convert_i32x4_s(i32x4.shr_u(sum, 16));
    const redGreen = i16x8.narrow_i32x4_s(blendUnclipped4(grey, red, share), blendUnclipped4(grey, green, share));
    const blueTwice = blendUnclipped4(grey, blue, share);
    const planes = i8x16.narrow_i16x8_u(redGreen, i16x8.narrow_i32x4_s(blueTwice, blueTwice));
    v128.store(to, v128.shuffle<i8>(planes, planes, 0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11, 0, 0, 0, 0));
  }
}

// @ts-ignore: decorator
@inline
function roundHalfUp(value: f64): i32 {
  const floor = Math.floor(value);
  return <i32>(value - floor >= 0.5 ? floor + 1 : floor);
}

/**
 * Adds to the hue of an RGB image, in steps of 1/255 of the circle, by way of Pillow's 8-bit HSV; in place.
 * `scratch`: 256 f32, what is left of each hue beyond its sixth of the circle.
 */
export function turnHue(image: usize, pixels: i32, add: i32, scratch: usize): void {
  for (let hue = 0; hue < 256; hue++) {
    const position = (<f64>hue * 6) / 255;
    store<f32>(scratch + (<usize>hue << 2), <f32>(position - Math.floor(position)));
  }
  for (let at = 0, pixel = image; at < pixels; at++, pixel += 3) {
    const red = <i32>load<u8>(pixel), green = <i32>load<u8>(pixel, 1), blue = <i32>load<u8>(pixel, 2);
    const value = max(red, max(green, blue));
    const range = value - min(red, min(green, blue));
    const saturation = range == 0 ? 0 : <i32>(<f64>(<f32>range / <f32>value) * 255);
    let r = value, g = value, b = value;
    if (saturation > 0) {
      // The distances of the two smaller channels, in the order of the circle; exact for the largest one, whose is 0.
      const start: f64 = red == value ? 0 : green == value ? 2 : 4;
      const ahead = red == value ? blue : green == value ? red : green;
      const behind = red == value ? green : green == value ? blue : red;
      const aheadShare = <f32>(value - ahead) / <f32>range;
      const behindShare = <f32>(value - behind) / <f32>range;
      const sixths = <f32>(start + <f64>aheadShare - <f64>behindShare);
      const turned = <f64>sixths / 6 + 1;
      const hue = (<i32>(<f64><f32>(turned >= 1 ? turned - 1 : turned) * 255) + add) & 255;
      const part = load<f32>(scratch + (<usize>hue << 2));
      const share = <f32>(<f64>saturation / 255);
      const p = roundHalfUp(<f64>value * (1 - <f64>share));
      const q = roundHalfUp(<f64>value * (1 - <f64>(share * part)));
      const t = roundHalfUp(<f64>value * (1 - <f64>share * (1 - <f64>part)));
      const sixth = ((hue * 6) / 255) % 6;
      r = sixth == 0 || sixth == 5 ? value : sixth == 1 ? q : sixth == 4 ? t : p;
      g = sixth == 1 || sixth == 2 ? value : sixth == 0 ? t : sixth == 3 ? q : p;
      b = sixth == 3 || sixth == 4 ? value : sixth == 2 ? t : sixth == 5 ? q : p;
    }
    store<u8>(pixel, r);
    store<u8>(pixel, g, 1);
    store<u8>(pixel, b, 2);
  }
}

/** Sums of three neighbours of a row, for the smoothing kernel: `sides` all weighted 1/13, `middle` with 5/13 within. */
function rowSums(row: usize, rowBytes: i32, channels: i32, sides: usize, middle: usize): void {
  const one = f32x4.splat(<f32>1 / <f32>13);
  const five = f32x4.splat(<f32>5 / <f32>13);
  for (let at = channels; at < rowBytes - channels; at += 4) {
    const pixel = row + <usize>at;
    const left = f32x4.mul(f32x4.convert_i32x4_s(tap(pixel - <usize>channels)), one);
    const centre = f32x4.convert_i32x4_s(tap(pixel));
    const right = f32x4.mul(f32x4.convert_i32x4_s(tap(pixel + <usize>channels)), one);
    v128.store(sides + (<usize>at << 2), f32x4.add(f32x4.add(left, f32x4.mul(centre, one)), right));
    v128.store(middle + (<usize>at << 2), f32x4.add(f32x4.add(left, f32x4.mul(centre, five)), right));
  }
}

/**
 * Blends an image with its smoothed version; the border stays. `scratch`: six rows of f32.
 * The caller has copied `src` to `dst` and made sure of at least 3×3 pixels.
 */
export function sharpen(
  src: usize, dst: usize, width: i32, height: i32, channels: i32, alpha: f32, scratch: usize,
): void {
  const rowBytes = width * channels;
  const stride = <usize>((rowBytes + 16) << 2);
  const half = f32x4.splat(0.5);
  const share = f32x4.splat(alpha);
  for (let row = 0; row < 2; row++) {
    const slot = scratch + <usize>row * stride * 2;
    rowSums(src + <usize>(row * rowBytes), rowBytes, channels, slot, slot + stride);
  }
  for (let y = 1; y < height - 1; y++) {
    const next = scratch + <usize>((y + 1) % 3) * stride * 2;
    rowSums(src + <usize>((y + 1) * rowBytes), rowBytes, channels, next, next + stride);
    const above = scratch + <usize>((y - 1) % 3) * stride * 2;
    const here = scratch + <usize>(y % 3) * stride * 2 + stride;
    const from = src + <usize>(y * rowBytes);
    const to = dst + <usize>(y * rowBytes);
    const end = rowBytes - channels;
    for (let at = channels; at < end; at += 4) {
      const lane = <usize>at << 2;
      const below = f32x4.add(half, v128.load(next + lane));
      const sum = f32x4.add(f32x4.add(below, v128.load(here + lane)), v128.load(above + lane));
      const smooth = f32x4.convert_i32x4_s(i32x4.trunc_sat_f32x4_s(sum));
      const lanes = blend4(smooth, f32x4.convert_i32x4_s(tap(from + <usize>at)), share);
      if (at + 4 <= end) store4(to + <usize>at, lanes);
      else {
        store<u8>(to + <usize>at, i32x4.extract_lane(lanes, 0));
        if (at + 1 < end) store<u8>(to + <usize>at, i32x4.extract_lane(lanes, 1), 1);
        if (at + 2 < end) store<u8>(to + <usize>at, i32x4.extract_lane(lanes, 2), 2);
      }
    }
  }
}

/**
 * One row of a box filter of fractional radius: the weight `whole` for offsets −radius…radius, `part` for the two
 * beyond, in units of 2⁻²⁴. `taps`: the addresses (u32) of 2·radius + 3 rows of `bytes` bytes.
 */
function boxRow(taps: usize, radius: i32, out: usize, bytes: i32, whole: u32, part: u32): void {
  const wholes = i32x4.splat(whole);
  const parts = i32x4.splat(part);
  const round = i32x4.splat(1 << 23);
  const last = 2 * radius + 2;
  for (let at = 0; at < bytes; at += 8) {
    let sum = i16x8.splat(0);
    for (let k = 1; k < last; k++) {
      sum = i16x8.add(sum, v128.load_ext<u8>(<usize>load<u32>(taps + (<usize>k << 2)) + <usize>at));
    }
    const first = v128.load_ext<u8>(<usize>load<u32>(taps) + <usize>at);
    const far = i16x8.add(first, v128.load_ext<u8>(<usize>load<u32>(taps + (<usize>last << 2)) + <usize>at));
    const low = i32x4.add(
      i32x4.mul(i32x4.extend_low_i16x8_u(sum), wholes),
      i32x4.add(i32x4.mul(i32x4.extend_low_i16x8_u(far), parts), round),
    );
    const high = i32x4.add(
      i32x4.mul(i32x4.extend_high_i16x8_u(sum), wholes),
      i32x4.add(i32x4.mul(i32x4.extend_high_i16x8_u(far), parts), round),
    );
    const words = i16x8.narrow_i32x4_s(i32x4.shr_u(low, 24), i32x4.shr_u(high, 24));
    v128.store64_lane(out + <usize>at, i8x16.narrow_i16x8_u(words, words), 0);
  }
}

/**
 * A box filter along x (edges repeated), in place. `scratch`: 2·radius + 3 u32, then a row with `radius + 1` pixels on
 * each side.
 */
export function boxX(
  image: usize, width: i32, height: i32, channels: i32, radius: i32, whole: u32, part: u32, scratch: usize,
): void {
  const rowBytes = width * channels;
  const count = 2 * radius + 3;
  const padded = scratch + <usize>((count + 3) << 2);
  const start = padded + <usize>((radius + 1) * channels);
  for (let k = 0; k < count; k++) store<u32>(scratch + (<usize>k << 2), <u32>padded + k * channels);
  for (let y = 0; y < height; y++) {
    const row = image + <usize>(y * rowBytes);
    memory.copy(start, row, rowBytes);
    for (let k = 0; k < (radius + 1) * channels; k++) {
      store<u8>(padded + <usize>k, load<u8>(row + <usize>(k % channels)));
      store<u8>(start + <usize>(rowBytes + k), load<u8>(row + <usize>(rowBytes - channels + (k % channels))));
    }
    // The last lanes run into the next row, which is not yet read: it is put back from there.
    const spill = load<u64>(row + <usize>rowBytes);
    boxRow(scratch, radius, row, rowBytes, whole, part);
    store<u64>(row + <usize>rowBytes, spill);
  }
}

/** A box filter along y (edges repeated) from `src` to `dst`. `scratch`: 2·radius + 3 u32. */
export function boxY(
  src: usize, dst: usize, width: i32, height: i32, channels: i32, radius: i32, whole: u32, part: u32, scratch: usize,
): void {
  const rowBytes = width * channels;
  for (let y = 0; y < height; y++) {
    for (let k = 0; k < 2 * radius + 3; k++) {
      const row = clip(y + k - radius - 1, height - 1);
      store<u32>(scratch + (<usize>k << 2), <u32>src + row * rowBytes);
    }
    boxRow(scratch, radius, dst + <usize>(y * rowBytes), rowBytes, whole, part);
  }
}
