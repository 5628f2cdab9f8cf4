import { constant, gemm, matMul, reshape } from "../graph/builders.ts";
import type { Pair, Value } from "../graph/types.ts";

/**
 * How a pixel of the result is found. `aligned`: bilinear, the corners' centres lie on each other (PyTorch's
 * `align_corners=True`). `bilinear`: the images' edges do. `nearest`: the pixel at the place rounded down.
 */
export type ResizeMode = "aligned" | "bilinear" | "nearest";

/**
 * Resizes images x [B, C, H, W] to another size, as PyTorch's `interpolate` does without antialiasing: a product with a
 * matrix of weights per axis, so that the derivative is one too (decision 0018).
 */
export function resize2d(x: Value, [toHeight, toWidth]: Pair, mode: ResizeMode): Value {
  const [images, channels, height, width] = x.shape as [number, number, number, number];
  const planes = images * channels;
  const rows =
    width === toWidth
      ? x
      : gemm(reshape(x, [planes * height, width]), weights(width, toWidth, mode), undefined, { transB: true });
  const columns = reshape(rows, [planes, height, toWidth]);
  const resized = height === toHeight ? columns : matMul(weights(height, toHeight, mode), columns);
  return reshape(resized, [images, channels, toHeight, toWidth]);
}

/** What each of `to` values takes of each of `from`, [to, from]. */
function weights(from: number, to: number, mode: ResizeMode): Value {
  const table = new Float64Array(to * from);
  for (let i = 0; i < to; i++) {
    const at = place(i, from, to, mode);
    const low = Math.min(Math.floor(at), from - 1);
    const high = Math.min(low + 1, from - 1);
    const share = mode === "nearest" ? 0 : at - low;
    table[i * from + low] = 1 - share;
    table[i * from + high] = (table[i * from + high] as number) + share;
  }
  return constant(table, [to, from]);
}

/** Where a value of the result lies among those resized. */
function place(i: number, from: number, to: number, mode: ResizeMode): number {
  switch (mode) {
    case "aligned":
      return to === 1 ? 0 : (i * (from - 1)) / (to - 1);
    case "bilinear":
      return Math.max(0, ((i + 0.5) * from) / to - 0.5);
    case "nearest":
      // In fp32, as PyTorch: where a place is whole, its rounding decides.
      return Math.fround(i * Math.fround(from / to));
  }
}
