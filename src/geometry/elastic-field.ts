import { RandomStream } from "../support/random.ts";

/** Smooth random displacements on a grid of control points `step` pixels apart, from the image's top left corner. */
export interface ElasticField {
  step: number;
  columns: number;
  rows: number;
  /** float32 [rows, columns], pixels along x. */
  dx: Float32Array;
  /** float32 [rows, columns], pixels along y. */
  dy: Float32Array;
}

/** What a field is drawn from; the same parameters give the same field anywhere. */
export interface ElasticParameters {
  /** Seed of the noise. */
  key: number;
  /** Factor on the smoothed noise, pixels. */
  alpha: number;
  /** Standard deviation of the smoothing, pixels. */
  sigma: number;
}

// Truncated where a Gaussian weight is 1 % of the middle one.
const REACH = 3;

/**
 * The displacements of an elastic deformation: noise uniform in [−1, 1], smoothed by a Gaussian of `sigma`, times
 * `alpha`. Noise goes on beyond the image, so that the field is as strong at the border as in the middle; the standard
 * deviation of a displacement is alpha / (2·√(3π)·sigma) pixels along each axis.
 *
 * PARITY: Simard draws noise for every pixel. Here it is drawn every sigma / 2 pixels and the smoothed field is
 * interpolated bilinearly, with the same strength: the field holds nothing finer, and costs a hundredth.
 * Source: Simard, Steinkraus & Platt 2003, "Best practices for convolutional neural networks", section 2.
 */
export function elasticField(parameters: ElasticParameters, height: number, width: number): ElasticField {
  const { key, alpha, sigma } = parameters;
  const step = Math.max(1, Math.floor(sigma / 2));
  const columns = Math.ceil(width / step) + 1;
  const rows = Math.ceil(height / step) + 1;
  const kernel = gaussian(sigma / step);
  const stream = RandomStream.for(key, "elastic");
  const field = () => smoothNoise(stream, rows, columns, kernel, alpha / step);
  return { step, columns, rows, dx: field(), dy: field() };
}

/** Fields between control points: adds the displacement at each place to it. `xs`, `ys`: pixels; NaN stays. */
export function displace(field: ElasticField, xs: Float64Array, ys: Float64Array): void {
  const { step, columns, rows, dx, dy } = field;
  for (let at = 0; at < xs.length; at++) {
    const x = xs[at] as number;
    const y = ys[at] as number;
    if (Number.isNaN(x)) continue;
    const gx = x / step;
    const gy = y / step;
    const left = Math.min(Math.floor(gx), columns - 2);
    const top = Math.min(Math.floor(gy), rows - 2);
    const fx = gx - left;
    const fy = gy - top;
    const a = top * columns + left;
    const b = a + columns;
    const w11 = fx * fy;
    const w10 = fx - w11;
    const w01 = fy - w11;
    const w00 = 1 - fx - w01;
    const at00 = dx[a] as number;
    const at10 = dx[a + 1] as number;
    xs[at] = x + w00 * at00 + w10 * at10 + w01 * (dx[b] as number) + w11 * (dx[b + 1] as number);
    ys[at] =
      y + w00 * (dy[a] as number) + w10 * (dy[a + 1] as number) + w01 * (dy[b] as number) + w11 * (dy[b + 1] as number);
  }
}

function gaussian(sigma: number): Float64Array {
  const radius = Math.ceil(REACH * sigma);
  const weights = Float64Array.from({ length: 2 * radius + 1 }, (_, k) => Math.exp(-(((k - radius) / sigma) ** 2) / 2));
  const sum = weights.reduce((a, b) => a + b);
  return weights.map((weight) => weight / sum);
}

/** Noise on a grid larger by the kernel's radius, smoothed along x and y where the whole kernel fits. */
function smoothNoise(
  stream: RandomStream,
  rows: number,
  columns: number,
  kernel: Float64Array,
  scale: number,
): Float32Array {
  const extra = kernel.length - 1;
  const wide = columns + extra;
  const noise = Float64Array.from({ length: (rows + extra) * wide }, () => 2 * stream.uniform() - 1);
  const along = new Float64Array((rows + extra) * columns);
  for (let y = 0; y < rows + extra; y++) {
    for (let x = 0; x < columns; x++) {
      let sum = 0;
      for (let k = 0; k <= extra; k++) sum += (kernel[k] as number) * (noise[y * wide + x + k] as number);
      along[y * columns + x] = sum;
    }
  }
  const smooth = new Float32Array(rows * columns);
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      let sum = 0;
      for (let k = 0; k <= extra; k++) sum += (kernel[k] as number) * (along[(y + k) * columns + x] as number);
      smooth[y * columns + x] = scale * sum;
    }
  }
  return smooth;
}
