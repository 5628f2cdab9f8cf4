import type { Canvas } from "./canvas.ts";

/** New values of the 256 old ones. */
export type ValueTable = Uint8Array;

/** A table from a function of the old value; what it gives is cut to whole numbers and clipped to 0…255. */
export function tableOf(value: (old: number) => number): ValueTable {
  return Uint8Array.from({ length: 256 }, (_, old) => Math.min(255, Math.max(0, Math.trunc(value(old)))));
}

/** Stretches each channel to 0…255. Source: Pillow `ImageOps.autocontrast`, no cutoff. */
export function autoContrast(canvas: Canvas): void {
  const tables = perChannel(canvas, (counts) => {
    const low = counts.findIndex((count) => count > 0);
    const high = counts.findLastIndex((count) => count > 0);
    if (high <= low) return identity;
    const scale = 255 / (high - low);
    const offset = -low * scale;
    return tableOf((old) => old * scale + offset);
  });
  canvas.lookUp(tables);
}

/** Evens out each channel's histogram. Source: Pillow `ImageOps.equalize`. */
export function equalize(canvas: Canvas): void {
  const tables = perChannel(canvas, (counts) => {
    const last = counts.findLastIndex((count) => count > 0);
    const total = counts.reduce((a, b) => a + b, 0);
    // A single value has a step of 0 too.
    const step = Math.floor((total - (counts[last] as number)) / 255);
    if (step === 0) return identity;
    let sum = Math.floor(step / 2);
    return tableOf((old) => {
      const value = sum / step;
      sum += counts[old] as number;
      return value;
    });
  });
  canvas.lookUp(tables);
}

export function invert(canvas: Canvas): void {
  canvas.lookUp([tableOf((old) => 255 - old)]);
}

/**
 * Keeps the upper `bits` bits of each value.
 * PARITY: 0 bits and fewer give black, as in Pillow up to 12; Pillow 13 refuses them, though timm's tables reach them.
 */
export function posterize(canvas: Canvas, bits: number): void {
  if (bits >= 8) return;
  const mask = bits <= 0 ? 0 : 256 - 2 ** (8 - bits);
  canvas.lookUp([tableOf((old) => old & mask)]);
}

/** Inverts values from `threshold` on. */
export function solarize(canvas: Canvas, threshold: number): void {
  canvas.lookUp([tableOf((old) => (old < threshold ? old : 255 - old))]);
}

/** Adds to values below 128. Source: timm `solarize_add`. */
export function solarizeAdd(canvas: Canvas, add: number): void {
  canvas.lookUp([tableOf((old) => (old < 128 ? old + add : old))]);
}

/** Multiplies: 0 is black, 1 the image. Source: Pillow `ImageEnhance.Brightness`. */
export function brightness(canvas: Canvas, factor: number): void {
  canvas.lookUp([blendTable(0, factor)]);
}

/** Blends with the mean grey of the image: 0 is flat, 1 the image. Source: Pillow `ImageEnhance.Contrast`. */
export function contrast(canvas: Canvas, factor: number): void {
  canvas.lookUp([blendTable(Math.floor(canvas.meanGrey() + 0.5), factor)]);
}

/** Values blended with one value, in the float32 steps of Pillow's `Image.blend`. */
function blendTable(from: number, factor: number): ValueTable {
  const alpha = Math.fround(factor);
  if (alpha === 1) return identity;
  return tableOf((old) => Math.fround(from + Math.fround(alpha * (old - from))));
}

const identity = tableOf((old) => old);

function perChannel(canvas: Canvas, table: (counts: Uint32Array) => ValueTable): ValueTable[] {
  return canvas.histograms().map(table);
}
