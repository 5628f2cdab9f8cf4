import type { Geometry } from "./geometry.ts";
import { placesBefore } from "./warps.ts";

/** What a map of labels becomes. */
export interface NearestOptions {
  /** Of the model's input, pixels. */
  height: number;
  width: number;
  /** The label of places that a warp takes from outside of the image. */
  outside: number;
  /** uint8 [height, width] that receives the labels. */
  out: Uint8Array;
}

/**
 * Gives a map of labels the geometry of its image, without mixing labels: each output pixel takes the label of the source
 * pixel that holds the place its centre came from.
 *
 * Places go through all steps at once, from the last warp back to the crop, and are rounded only here. As in resizing
 * images, output pixel `k` of `n` is centred at `(k + 0.5) · crop / n` of the crop; on a border between two source pixels
 * it takes the one to the right and below, on a mirrored image's the one to the left.
 *
 * @param labels uint8 [sourceHeight, sourceWidth].
 */
export function followNearest(labels: Uint8Array, geometry: Geometry, options: NearestOptions): void {
  const { height, width, out, outside } = options;
  const { crop, flip, sourceWidth, warps = [] } = geometry;
  const first = crop.top * sourceWidth + crop.left;
  if (warps.length === 0) {
    const columns = Uint32Array.from({ length: width }, (_, x) =>
      pixelAt(flip ? width - x - 0.5 : x + 0.5, width, crop.width),
    );
    for (let y = 0, at = 0; y < height; y++) {
      const row = first + pixelAt(y + 0.5, height, crop.height) * sourceWidth;
      for (let x = 0; x < width; x++, at++) out[at] = labels[row + (columns[x] as number)] as number;
    }
    return;
  }
  const { xs, ys } = placesBefore(warps, height, width);
  for (let at = 0; at < out.length; at++) {
    const x = xs[at] as number;
    if (Number.isNaN(x)) {
      out[at] = outside;
      continue;
    }
    const row = pixelAt(ys[at] as number, height, crop.height) * sourceWidth;
    out[at] = labels[first + row + pixelAt(flip ? width - x : x, width, crop.width)] as number;
  }
}

/** The one of `pixels` that holds a place of an axis of length `size`. */
function pixelAt(place: number, size: number, pixels: number): number {
  // Without the detour, which rounds, where nothing was resized.
  return size === pixels ? Math.floor(place) : Math.min(Math.floor((place * pixels) / size), pixels - 1);
}
