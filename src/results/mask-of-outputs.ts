import type { PixelSpacing } from "../formats/source-image.ts";

/** Pixels. */
interface Size {
  height: number;
  width: number;
}

/** What a segmenter says of the pixels of an image. */
export interface PixelClasses {
  /** uint8 [height, width] class indices, 0 for the background. */
  classes: Uint8Array;
  /** By class: the mean probability of its pixels; null where it has none. */
  confidences: (number | null)[];
  /** By class: how many pixels it has. */
  pixels: number[];
}

/**
 * The class of every pixel of an image, from probabilities on a grid of another size: they are interpolated bilinearly,
 * then the likeliest class counts, of one channel the inside from `threshold` on.
 *
 * @param probabilities [channels, from.height, from.width] in [0, 1].
 *
 * PyTorch's `interpolate` with `align_corners=False`.
 */
export function classesAtSize(
  probabilities: ArrayLike<number>,
  channels: number,
  from: Size,
  to: Size,
  threshold = 0.5,
): PixelClasses {
  const numClasses = Math.max(2, channels);
  const classes = new Uint8Array(to.height * to.width);
  const sums = new Array<number>(numClasses).fill(0);
  const pixels = new Array<number>(numClasses).fill(0);
  const rows = positions(from.height, to.height);
  const columns = positions(from.width, to.width);
  const blended = new Float64Array(channels * from.width);
  for (let y = 0, at = 0; y < to.height; y++) {
    blendRows(probabilities, channels, from, rows, y, blended);
    for (let x = 0; x < to.width; x++, at++) {
      const low = columns.low[x] as number;
      const high = columns.high[x] as number;
      const share = columns.share[x] as number;
      let best = 0;
      let most = -1;
      for (let channel = 0, start = 0; channel < channels; channel++, start += from.width) {
        const left = blended[start + low] as number;
        const value = left + ((blended[start + high] as number) - left) * share;
        if (value > most) [best, most] = [channel, value];
      }
      if (channels === 1) [best, most] = most >= threshold ? [1, most] : [0, 1 - most];
      classes[at] = best;
      sums[best] = (sums[best] as number) + most;
      pixels[best] = (pixels[best] as number) + 1;
    }
  }
  return { classes, pixels, confidences: sums.map((sum, k) => (pixels[k] === 0 ? null : sum / (pixels[k] as number))) };
}

/** mm² of a number of pixels; undefined where their size is not known. */
export function areaOf(pixels: number, spacing: PixelSpacing | undefined): number | undefined {
  return spacing && pixels * spacing[0] * spacing[1];
}

interface Positions {
  low: Int32Array;
  high: Int32Array;
  /** How far from the one to the other. */
  share: Float64Array;
}

function positions(cells: number, size: number): Positions {
  const at = { low: new Int32Array(size), high: new Int32Array(size), share: new Float64Array(size) };
  for (let i = 0; i < size; i++) {
    const place = Math.min(cells - 1, Math.max(0, ((i + 0.5) * cells) / size - 0.5));
    const low = Math.floor(place);
    at.low[i] = low;
    at.high[i] = Math.min(cells - 1, low + 1);
    at.share[i] = place - low;
  }
  return at;
}

/** Row `y` of the result, before its columns are interpolated: [channels, from.width]. */
function blendRows(
  probabilities: ArrayLike<number>,
  channels: number,
  { height, width }: Size,
  rows: Positions,
  y: number,
  out: Float64Array,
): void {
  const share = rows.share[y] as number;
  for (let channel = 0, to = 0; channel < channels; channel++) {
    const above = (channel * height + (rows.low[y] as number)) * width;
    const below = (channel * height + (rows.high[y] as number)) * width;
    for (let x = 0; x < width; x++) {
      const value = probabilities[above + x] as number;
      out[to++] = value + ((probabilities[below + x] as number) - value) * share;
    }
  }
}
