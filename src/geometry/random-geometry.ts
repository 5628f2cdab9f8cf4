import type { RandomStream } from "../support/random.ts";
import { roundHalfEven } from "../support/round-half-even.ts";
import type { CropBox, Geometry } from "./geometry.ts";

/** Bounds of a random resized crop. */
export interface CropRange {
  /** Share of the source's area. */
  scale: readonly [number, number];
  /** Width over height, drawn log-uniformly. */
  ratio: readonly [number, number];
}

/** The crop of MAE's pre-training. Source: method section 4. */
export const PAPER_CROP: CropRange = { scale: [0.2, 1], ratio: [3 / 4, 4 / 3] };

/** How often a training image is mirrored, unless told otherwise. */
export const MIRROR_PROBABILITY = 0.5;

const ATTEMPTS = 10;

/**
 * Draws a crop in source pixels: ten tries at a random area and aspect ratio, then the largest centred crop of an
 * allowed ratio. A crop of the whole area is the image itself, whatever its ratio.
 * Source: torchvision `RandomResizedCrop.get_params`.
 */
export function randomResizedCrop(
  sourceHeight: number,
  sourceWidth: number,
  stream: RandomStream,
  { scale, ratio }: CropRange = PAPER_CROP,
): CropBox {
  if (scale[0] >= 1) return { top: 0, left: 0, height: sourceHeight, width: sourceWidth };
  const area = sourceHeight * sourceWidth;
  const [lowest, highest] = ratio;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const target = area * between(scale[0], scale[1], stream.uniform());
    const aspect = Math.exp(between(Math.log(lowest), Math.log(highest), stream.uniform()));
    const width = roundHalfEven(Math.sqrt(target * aspect));
    const height = roundHalfEven(Math.sqrt(target / aspect));
    if (width > 0 && width <= sourceWidth && height > 0 && height <= sourceHeight) {
      const top = stream.integer(0, sourceHeight - height);
      const left = stream.integer(0, sourceWidth - width);
      return { top, left, height, width };
    }
  }
  let width = sourceWidth;
  let height = sourceHeight;
  if (sourceWidth / sourceHeight < lowest) height = Math.max(1, roundHalfEven(width / lowest));
  else if (sourceWidth / sourceHeight > highest) width = Math.max(1, roundHalfEven(height * highest));
  const top = Math.floor((sourceHeight - height) / 2);
  const left = Math.floor((sourceWidth - width) / 2);
  return { top, left, height, width };
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

function between(low: number, high: number, share: number): number {
  return low + (high - low) * share;
}
