import type { RandomStream } from "../../random.ts";
import type { Geometry, RasterImage } from "../raster.ts";
import { type CropRange, PAPER_CROP, randomResizedCrop } from "./random-resized-crop.ts";

/** How often a training image is mirrored, unless told otherwise. */
export const MIRROR_PROBABILITY = 0.5;

/** The geometry of evaluation: the whole source, not mirrored. */
export function wholeImage(sourceHeight: number, sourceWidth: number): Geometry {
  const crop = { top: 0, left: 0, height: sourceHeight, width: sourceWidth };
  return { crop, flip: false, sourceHeight, sourceWidth };
}

/** Draws a training geometry: a random resized crop, then a mirror along x with probability `mirror`. */
export function randomGeometry(
  sourceHeight: number,
  sourceWidth: number,
  stream: RandomStream,
  range: CropRange = PAPER_CROP,
  mirror = MIRROR_PROBABILITY,
): Geometry {
  const crop = randomResizedCrop(sourceHeight, sourceWidth, stream, range);
  return { crop, flip: stream.uniform() < mirror, sourceHeight, sourceWidth };
}

/** Mirrors uint8 [h, w, C] along x into a new array. */
export function flipHorizontal(image: RasterImage): RasterImage {
  const { width, height, channels, pixels } = image;
  const flipped = new Uint8Array(pixels.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (y * width + x) * channels;
      flipped.set(pixels.subarray(from, from + channels), (y * width + width - 1 - x) * channels);
    }
  }
  return { width, height, channels, pixels: flipped };
}
