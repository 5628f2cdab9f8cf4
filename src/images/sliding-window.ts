import type { RasterImage } from "../formats/raster.ts";
import { MsmaeError } from "../support/errors.ts";

/** Pixels. */
export interface Size {
  height: number;
  width: number;
}

/** The first row and column of a window, in pixels of the image; negative where the image is smaller than the window. */
export interface WindowPlace {
  top: number;
  left: number;
}

/**
 * Where windows of one size stand so that they cover an image, in reading order: as few as the overlap allows, evenly apart,
 * the first and the last at the image's edges. Along an axis on which the image is smaller there is one, around its middle.
 *
 * @param overlap the least share of a window's side that it has in common with the next, in [0, 1).
 * @throws MsmaeError Config for an overlap outside of that.
 */
export function slidingWindows(image: Size, window: Size, overlap: number): WindowPlace[] {
  if (!(overlap >= 0 && overlap < 1)) {
    throw new MsmaeError("Config", {
      where: "sliding window",
      expected: "an overlap of at least 0 and less than 1",
      got: `${overlap}`,
      todo: "give the share of a window that the next one sees as well, such as 0.5",
    });
  }
  const rows = startsAlong(image.height, window.height, overlap);
  const columns = startsAlong(image.width, window.width, overlap);
  return rows.flatMap((top) => columns.map((left) => ({ top, left })));
}

function startsAlong(length: number, side: number, overlap: number): number[] {
  const rest = length - side;
  if (rest <= 0) return [Math.ceil(rest / 2)];
  const step = Math.max(1, Math.floor(side * (1 - overlap)));
  const steps = Math.ceil(rest / step);
  return Array.from({ length: steps + 1 }, (_, i) => Math.round((i * rest) / steps));
}

/**
 * The part of an image in a window. What lies outside of the image is as the pixel at its edge.
 *
 * @param out uint8 [window height, window width, channels] to write to.
 */
export function cutWindow(image: RasterImage, { top, left }: WindowPlace, window: Size, out: Uint8Array): void {
  const { height, width, channels, pixels } = image;
  for (let y = 0, to = 0; y < window.height; y++) {
    const row = clamp(top + y, height) * width;
    for (let x = 0; x < window.width; x++) {
      const from = (row + clamp(left + x, width)) * channels;
      for (let channel = 0; channel < channels; channel++) out[to++] = pixels[from + channel] as number;
    }
  }
}

const clamp = (at: number, length: number): number => Math.min(length - 1, Math.max(0, at));

/** The standard deviation of the weights, as a share of the window's side. Source: MONAI's and nnU-Net's. */
const SIGMA = 1 / 8;

/**
 * How much each pixel of a window counts: a Gaussian around its middle, since a network knows least of what is near the
 * edge of what it sees.
 *
 * @returns [height, width], in (0, 1].
 */
export function gaussianWeights({ height, width }: Size): Float32Array {
  const along = (side: number) =>
    Float64Array.from({ length: side }, (_, i) => Math.exp(-0.5 * ((i - (side - 1) / 2) / (SIGMA * side)) ** 2));
  const [rows, columns] = [along(height), along(width)];
  const weight = (_: unknown, at: number) => (rows[Math.floor(at / width)] as number) * (columns[at % width] as number);
  return Float32Array.from({ length: height * width }, weight);
}

/** Puts what was said of windows together to what is said of the whole image: the weighted mean at every pixel. */
export class WindowBlend {
  readonly #image: Size;
  readonly #window: Size;
  readonly #channels: number;
  readonly #weights: Float32Array;
  /** [channels, height, width] */
  readonly #sums: Float32Array;
  /** [height, width] */
  readonly #total: Float32Array;

  /** @param weights [window height, window width]; without it those of {@link gaussianWeights}. */
  constructor(image: Size, window: Size, channels: number, weights: Float32Array = gaussianWeights(window)) {
    this.#image = image;
    this.#window = window;
    this.#channels = channels;
    this.#weights = weights;
    this.#sums = new Float32Array(channels * image.height * image.width);
    this.#total = new Float32Array(image.height * image.width);
  }

  /** @param values [channels, window height, window width]. */
  add({ top, left }: WindowPlace, values: ArrayLike<number>): void {
    const { height, width } = this.#image;
    const window = this.#window;
    const from = { y: Math.max(0, -top), x: Math.max(0, -left) };
    const to = { y: Math.min(window.height, height - top), x: Math.min(window.width, width - left) };
    for (let y = from.y; y < to.y; y++) {
      for (let x = from.x; x < to.x; x++) {
        const own = y * window.width + x;
        const at = (top + y) * width + left + x;
        const weight = this.#weights[own] as number;
        this.#total[at] = (this.#total[at] as number) + weight;
        for (let channel = 0; channel < this.#channels; channel++) {
          const value = values[channel * window.height * window.width + own] as number;
          const sum = channel * height * width + at;
          this.#sums[sum] = (this.#sums[sum] as number) + weight * value;
        }
      }
    }
  }

  /** [channels, height, width]; NaN where no window was. */
  mean(): Float32Array {
    const area = this.#total.length;
    return this.#sums.map((sum, at) => sum / (this.#total[at % area] as number));
  }
}
