import type { AffineMatrix } from "../../geometry/warps.ts";
import type { Canvas } from "./canvas.ts";

// Beyond it Pillow's 16.16 fixed point has no room.
const FIXED_LIMIT = 32768;

/**
 * Nearest-neighbour affine sampling, equal to Pillow's to the byte: places are summed up along each row, in fixed point
 * where all corners have room for it.
 * Source: Pillow 13 `Image.transform(AFFINE, NEAREST)`.
 */
export function affineNearest(canvas: Canvas, matrix: AffineMatrix, fill: readonly number[]): void {
  const { height, width, channels, pixels, other } = canvas;
  const { startX, startY, steps, unit } = walk(matrix, height, width);
  let [rowX, rowY] = [startX, startY];
  for (let y = 0, to = 0; y < height; y++) {
    let [x, y0] = [rowX, rowY];
    for (let column = 0; column < width; column++, to += channels) {
      const fromX = Math.floor(x / unit);
      const fromY = Math.floor(y0 / unit);
      const inside = fromX >= 0 && fromX < width && fromY >= 0 && fromY < height;
      const from = (fromY * width + fromX) * channels;
      for (let channel = 0; channel < channels; channel++) {
        other[to + channel] = (inside ? pixels[from + channel] : (fill[channel] ?? fill[0])) as number;
      }
      x += steps.xAlongX;
      y0 += steps.yAlongX;
    }
    rowX += steps.xAlongY;
    rowY += steps.yAlongY;
  }
  canvas.swap();
}

/** The place of the first pixel and the steps to its neighbours, in pixels or in units of 1/65536 pixel. */
function walk([a, b, c, d, e, f]: AffineMatrix, height: number, width: number) {
  const fits = (x: number, y: number) =>
    Math.abs(x * a + y * b + c) < FIXED_LIMIT && Math.abs(x * d + y * e + f) < FIXED_LIMIT;
  const scales = b === 0 && d === 0;
  const fixed = !scales && fits(0, 0) && fits(width, height) && fits(0, height) && fits(width, 0);
  const unit = fixed ? 65536 : 1;
  const inUnits = (value: number) => (fixed ? Math.floor(value * 65536 + 0.5) : value);
  return {
    // The order of the sums matters to the last bit.
    startX: inUnits(scales ? c + a * 0.5 : fixed ? c + a * 0.5 + b * 0.5 : c + b * 0.5 + a * 0.5),
    startY: inUnits(scales ? f + e * 0.5 : fixed ? f + d * 0.5 + e * 0.5 : f + e * 0.5 + d * 0.5),
    steps: { xAlongX: inUnits(a), yAlongX: inUnits(d), xAlongY: inUnits(b), yAlongY: inUnits(e) },
    unit,
  };
}
