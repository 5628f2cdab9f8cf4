import type { NumericArray } from "../source-image.ts";
import type { DataSet } from "./data-set.ts";
import type { ImageInfo } from "./image-info.ts";

/** Stored numbers that stand for no measurement, from `low` to `high`, both included. */
export interface Padding {
  low: number;
  high: number;
  /** The numbers need more bits than are stored, so that they are found only before unused bits are cleared. */
  beyondStored: boolean;
}

const SIXTEEN_BITS = new Set(["US", "SS", "OW", "UN"]);

/**
 * The padding that a file declares for its grey pixels; undefined where it declares none, or its pixels are no MONOCHROME
 * ones. Its value representation does not count, for many files have the wrong one: as the pixels, it has a sign or not.
 *
 * Source: DICOM PS3.3 C.7.5.1.1.2 (Pixel Padding Value and Range Limit), C.7.6.24 and C.7.6.25 (float pixels).
 */
export function paddingOf(dataSet: DataSet, info: ImageInfo): Padding | undefined {
  if (!info.photometric.startsWith("MONOCHROME")) return undefined;
  const [value, limit] = info.float
    ? info.container === 32
      ? (["FloatPixelPaddingValue", "FloatPixelPaddingRangeLimit"] as const)
      : (["DoubleFloatPixelPaddingValue", "DoubleFloatPixelPaddingRangeLimit"] as const)
    : (["PixelPaddingValue", "PixelPaddingRangeLimit"] as const);
  const endOf = (keyword: typeof value | typeof limit): number | undefined => {
    const number = dataSet.number(keyword);
    if (number === undefined || !Number.isFinite(number)) return undefined;
    const vr = dataSet.element(keyword)?.vr ?? "";
    return info.float ? number : asStored(number, SIXTEEN_BITS.has(vr) ? 16 : 32, info);
  };
  const first = endOf(value);
  // A limit by itself limits nothing.
  if (first === undefined) return undefined;
  // MONOCHROME1 has them the other way round, and so have files that should not.
  const second = endOf(limit) ?? first;
  const [low, high] = [Math.min(first, second), Math.max(first, second)];
  const { bitsStored, signed, float } = info;
  const least = signed ? -(2 ** (bitsStored - 1)) : 0;
  const beyondStored = !float && (low < least || high > least + 2 ** bitsStored - 1);
  return { low, high, beyondStored };
}

/** A number of some bits, with the sign that the pixels have. */
function asStored(number: number, bits: 16 | 32, { signed, container }: ImageInfo): number {
  // Of 32-bit pixels and padding alike, and of 16-bit ones: two's complement. Narrower pixels cannot wrap around.
  const width = container < bits ? Math.max(16, container) : bits;
  const size = 2 ** width;
  const unsigned = ((number % size) + size) % size;
  return signed && unsigned >= size / 2 ? unsigned - size : unsigned;
}

/**
 * Marks the pixels of one frame that hold padding.
 *
 * @param stored as stored, before any rescaling; with unused bits where the padding needs them.
 * @returns [pixels], 1 where there is no measurement; undefined where no pixel is padding.
 */
export function markPadding(stored: NumericArray, { low, high }: Padding): Uint8Array | undefined {
  let marks: Uint8Array | undefined;
  for (let at = 0; at < stored.length; at++) {
    const value = stored[at] as number;
    if (value < low || value > high || Number.isNaN(value)) continue;
    marks ??= new Uint8Array(stored.length);
    marks[at] = 1;
  }
  return marks;
}
