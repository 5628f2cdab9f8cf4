import type { BoxWeights, Canvas } from "./canvas.ts";

const PASSES = 3;
const { fround } = Math;

/**
 * Blurs by about a Gaussian of standard deviation `sigma` pixels: three box filters of fractional width along each axis.
 * Source: Pillow 13 `ImageFilter.GaussianBlur`; Gwosdek et al. 2011, equations 7, 11 and 14.
 */
export function gaussianBlur(canvas: Canvas, sigma: number): void {
  const weights = boxWeights(boxRadius(fround(sigma)));
  if (weights) canvas.box(weights, PASSES);
}

/** In the float32 steps of Pillow. */
function boxRadius(sigma: number): number {
  const variance = fround(fround(sigma * sigma) / PASSES);
  const length = fround(Math.sqrt(12 * variance + 1));
  const whole = fround(Math.floor((length - 1) / 2));
  const next = fround(whole + 1);
  const over = fround(fround(whole * next) - fround(3 * variance));
  const numerator = fround(fround(fround(2 * whole) + 1) * over);
  const part = fround(numerator / fround(6 * fround(variance - fround(next * next))));
  return fround(whole + part);
}

function boxWeights(reach: number): BoxWeights | undefined {
  if (!(reach > 0)) return undefined;
  const radius = Math.trunc(reach);
  const whole = Math.trunc(fround(2 ** 24 / fround(fround(reach * 2) + 1)));
  return { radius, whole, part: Math.trunc((2 ** 24 - (radius * 2 + 1) * whole) / 2) };
}
