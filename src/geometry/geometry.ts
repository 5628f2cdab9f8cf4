import type { Warp } from "./warps.ts";

/** A rectangle in source pixels. */
export interface CropBox {
  top: number;
  left: number;
  height: number;
  width: number;
}

/**
 * How a sample's source image became the model's input: a crop in source pixels, resized to the input size, then a
 * mirror along x, then the warps in their order.
 */
export interface Geometry {
  crop: CropBox;
  flip: boolean;
  sourceHeight: number;
  sourceWidth: number;
  /** Absent when there are none. */
  warps?: readonly Warp[];
}

/** The geometry of evaluation: the whole source, not mirrored. */
export function wholeImage(sourceHeight: number, sourceWidth: number): Geometry {
  const crop = { top: 0, left: 0, height: sourceHeight, width: sourceWidth };
  return { crop, flip: false, sourceHeight, sourceWidth };
}
