import type { RasterImage } from "../raster.ts";

/** New values of the 256 old ones. */
export type ValueTable = Uint8Array;

/** Counts of the 256 values of one channel. */
export function histogram({ pixels, channels }: RasterImage, channel: number): Uint32Array {
  const counts = new Uint32Array(256);
  for (let at = channel; at < pixels.length; at += channels) {
    const value = pixels[at] as number;
    counts[value] = (counts[value] as number) + 1;
  }
  return counts;
}

/** Replaces every value by the table's, one table for all channels or one for each. */
export function applyTables({ pixels, channels }: RasterImage, tables: readonly ValueTable[]): void {
  const first = tables[0] as ValueTable;
  if (tables.length === 1) {
    for (let at = 0; at < pixels.length; at++) pixels[at] = first[pixels[at] as number] as number;
    return;
  }
  for (let channel = 0; channel < channels; channel++) {
    const table = tables[channel] as ValueTable;
    for (let at = channel; at < pixels.length; at += channels) pixels[at] = table[pixels[at] as number] as number;
  }
}

/** A table from a function of the old value; what it gives is cut to whole numbers and clipped to 0…255. */
export function tableOf(value: (old: number) => number): ValueTable {
  return Uint8Array.from({ length: 256 }, (_, old) => Math.min(255, Math.max(0, Math.trunc(value(old)))));
}

/** Stretches each channel to 0…255. Source: Pillow `ImageOps.autocontrast`, no cutoff. */
export function autoContrast(image: RasterImage): void {
  const tables = perChannel(image, (counts) => {
    const low = counts.findIndex((count) => count > 0);
    const high = counts.findLastIndex((count) => count > 0);
    if (high <= low) return identity;
    const scale = 255 / (high - low);
    const offset = -low * scale;
    return tableOf((old) => old * scale + offset);
  });
  applyTables(image, tables);
}

/** Evens out each channel's histogram. Source: Pillow `ImageOps.equalize`. */
export function equalize(image: RasterImage): void {
  const tables = perChannel(image, (counts) => {
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
  applyTables(image, tables);
}

export function invert(image: RasterImage): void {
  applyTables(image, [tableOf((old) => 255 - old)]);
}

/**
 * Keeps the upper `bits` bits of each value.
 * PARITY: 0 bits and fewer give black, as in Pillow up to 12; Pillow 13 refuses them, though timm's tables reach them.
 */
export function posterize(image: RasterImage, bits: number): void {
  if (bits >= 8) return;
  const mask = bits <= 0 ? 0 : 256 - 2 ** (8 - bits);
  applyTables(image, [tableOf((old) => old & mask)]);
}

/** Inverts values from `threshold` on. */
export function solarize(image: RasterImage, threshold: number): void {
  applyTables(image, [tableOf((old) => (old < threshold ? old : 255 - old))]);
}

/** Adds to values below 128. Source: timm `solarize_add`. */
export function solarizeAdd(image: RasterImage, add: number): void {
  applyTables(image, [tableOf((old) => (old < 128 ? old + add : old))]);
}

/** Multiplies: 0 is black, 1 the image. Source: Pillow `ImageEnhance.Brightness`. */
export function brightness(image: RasterImage, factor: number): void {
  applyTables(image, [blendTable(0, factor)]);
}

/** Blends with the mean grey of the image: 0 is flat, 1 the image. Source: Pillow `ImageEnhance.Contrast`. */
export function contrast(image: RasterImage, factor: number): void {
  applyTables(image, [blendTable(meanGrey(image), factor)]);
}

/** Values blended with one value, in the float32 steps of Pillow's `Image.blend`. */
function blendTable(from: number, factor: number): ValueTable {
  const alpha = Math.fround(factor);
  if (alpha === 1) return identity;
  return tableOf((old) => Math.fround(from + Math.fround(alpha * (old - from))));
}

const identity = tableOf((old) => old);

/** The rounded mean of Pillow's grey version. */
function meanGrey({ pixels, channels }: RasterImage): number {
  let sum = 0;
  if (channels === 1) {
    for (let at = 0; at < pixels.length; at++) sum += pixels[at] as number;
  } else {
    for (let at = 0; at < pixels.length; at += 3) {
      sum += greyOf(pixels[at] as number, pixels[at + 1] as number, pixels[at + 2] as number);
    }
  }
  return Math.floor(sum / (pixels.length / channels) + 0.5);
}

/** ITU-R 601-2 in 16-bit fixed point, as Pillow. */
function greyOf(red: number, green: number, blue: number): number {
  return (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
}

function perChannel(image: RasterImage, table: (counts: Uint32Array) => ValueTable): ValueTable[] {
  return Array.from({ length: image.channels }, (_, channel) => table(histogram(image, channel)));
}
