import type { RasterImage } from "../../formats/raster.ts";
import { type CropBox, wholeImage } from "../../geometry/geometry.ts";
import { followNearest } from "../../geometry/nearest.ts";
import type { Warp } from "../../geometry/warps.ts";
import type { Resizer } from "./resize.ts";

/**
 * How much of each pixel of a resized picture was measured: uint8 [outputHeight, outputWidth] up to 255, or undefined
 * where all was. What was not measured is black, so that for a bilinear result `pixel · 255 / coverage` is the mean of
 * the measured values alone.
 */
export function resizeCoverage(
  resizer: Resizer,
  { width, height, unmeasured }: RasterImage,
  outputHeight: number,
  outputWidth: number,
  place: { crop?: CropBox; flip?: boolean } = {},
): Uint8Array | undefined {
  if (!unmeasured) return undefined;
  const pixels = unmeasured.map((mark) => (mark === 1 ? 0 : 255));
  const measured: RasterImage = { width, height, channels: 1, pixels };
  const coverage = resizer.resize(measured, outputHeight, outputWidth, { filter: "bilinear", ...place });
  return coverage.every((share) => share === 255) ? undefined : coverage;
}

/** A coverage [height, width] after the warps of its image: of the pixel that each place came from, 0 where from outside. */
export function warpCoverage(coverage: Uint8Array, height: number, width: number, warps: readonly Warp[]): Uint8Array {
  const out = new Uint8Array(height * width);
  followNearest(coverage, { ...wholeImage(height, width), warps }, { height, width, outside: 0, out });
  return out;
}
