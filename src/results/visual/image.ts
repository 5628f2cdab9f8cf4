import type { RasterImage } from "../../formats/raster.ts";
import { MsmaeError } from "../../support/errors.ts";

/** An 8-bit RGB picture. */
export interface RgbImage {
  /** Pixels. */
  width: number;
  /** Pixels. */
  height: number;
  /** [height, width, 3], row-major, 0..255. */
  data: Uint8Array | Uint8ClampedArray;
}

/** A grid of numbers: an attention map [gh, gw] or a mask [height, width] in pixels (non-zero is inside). */
export interface Grid {
  height: number;
  width: number;
  /** [height, width], row-major. */
  data: ArrayLike<number>;
}

/** An RGB colour, each part 0..255. */
export type Rgb = readonly [number, number, number];

/** A picture filled with one colour. */
export function blankImage(width: number, height: number, [red, green, blue]: Rgb): RgbImage {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i += 3) data.set([red, green, blue], i);
  return { width, height, data };
}

/** RGB of a one-channel picture: `grey` is [height, width], 0..255. */
export function greyToRgb(grey: ArrayLike<number>, width: number, height: number): RgbImage {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) data.fill(grey[i] as number, i * 3, i * 3 + 3);
  return { width, height, data };
}

/** A picture of one channel or three in RGB; that of three shares its memory. */
export function rasterToRgb({ width, height, channels, pixels }: RasterImage): RgbImage {
  return channels === 1 ? greyToRgb(pixels, width, height) : { width, height, data: pixels };
}

/** An independent copy. */
export function copyImage({ width, height, data }: RgbImage): RgbImage {
  return { width, height, data: Uint8Array.from(data) };
}

/** Every pixel repeated `factor` times in both directions. */
export function enlarge({ width, height, data }: RgbImage, factor: number): RgbImage {
  const result = blankImage(width * factor, height * factor, [0, 0, 0]);
  for (let y = 0; y < result.height; y++) {
    for (let x = 0; x < result.width; x++) {
      const from = (Math.floor(y / factor) * width + Math.floor(x / factor)) * 3;
      result.data.set(data.subarray(from, from + 3), (y * result.width + x) * 3);
    }
  }
  return result;
}

/** Every cell repeated `factor` times in both directions. */
export function enlargeGrid({ width, height, data }: Grid, factor: number): Grid {
  const large = { width: width * factor, height: height * factor };
  const cell = (_: unknown, i: number): number => {
    const y = Math.floor(Math.floor(i / large.width) / factor);
    return data[y * width + Math.floor((i % large.width) / factor)] as number;
  };
  return { ...large, data: Float64Array.from({ length: large.width * large.height }, cell) };
}

/** Copies `source` into `target` with its top-left corner at (left, top); all of it must fit. */
export function paste(target: RgbImage, source: RgbImage, left: number, top: number): void {
  const stride = source.width * 3;
  for (let y = 0; y < source.height; y++) {
    const row = source.data.subarray(y * stride, (y + 1) * stride);
    target.data.set(row, ((top + y) * target.width + left) * 3);
  }
}

/**
 * Checks that a picture's data fits its size.
 *
 * @throws MsmaeError "Shape" otherwise.
 */
export function checkImage(where: string, { width, height, data }: RgbImage): void {
  if (data.length === width * height * 3) return;
  throw new MsmaeError("Shape", {
    where,
    expected: `an RGB image [${height}, ${width}, 3] = ${width * height * 3} values`,
    got: `${data.length} values`,
    todo: "pass height, width and interleaved RGB bytes of the same image",
  });
}

/**
 * Checks that a grid's data fits its size and holds finite numbers only.
 *
 * @throws MsmaeError "Shape" or "Data" otherwise.
 */
export function checkGrid(where: string, { width, height, data }: Grid): void {
  if (data.length !== width * height || data.length === 0) {
    throw new MsmaeError("Shape", {
      where,
      expected: `a grid [${height}, ${width}] = ${width * height} values, at least one`,
      got: `${data.length} values`,
      todo: "pass the map with its own height and width",
    });
  }
  for (let i = 0; i < data.length; i++) {
    if (Number.isFinite(data[i])) continue;
    throw new MsmaeError("Data", {
      where: `${where}, cell ${i}`,
      expected: "a finite number",
      got: String(data[i]),
      todo: "look for non-finite weights in the checkpoint",
    });
  }
}
