import type { PixelSpacing } from "../../../formats/source-image.ts";
import { squaredDistances } from "./distance-transform.ts";

/**
 * What the surface of a mask in a picture is.
 *
 * - `border-pixels`: its pixels with one of their four neighbours outside, or outside of the picture; each counts alike.
 *   As MONAI, MetricsReloaded and medpy have it.
 * - `contour`: the corners between pixels of which some are inside and some are not; each counts by the length of the
 *   outline near it, so that a diagonal counts by its length and not by its pixels. As DeepMind's surface-distance.
 */
export const SURFACES = ["border-pixels", "contour"] as const;
export type SurfaceDefinition = (typeof SURFACES)[number];

/** How far the points of one surface lie from another surface. */
export interface SurfaceSide {
  /** Ascending, in the spacing's unit. */
  distances: Float64Array;
  /** What each of the distances counts; undefined where all count alike. */
  lengths: Float64Array | undefined;
}

/** Two masks [height, width], each non-zero inside and not empty. */
export interface MaskPair {
  height: number;
  width: number;
  predicted: ArrayLike<number>;
  truth: ArrayLike<number>;
}

/** The distances from each of two surfaces to the other: [from the predicted, from the true]. */
export function surfaceDistances(
  pair: MaskPair,
  spacing: PixelSpacing,
  definition: SurfaceDefinition,
): [SurfaceSide, SurfaceSide] {
  const box = boxAround(pair);
  const surfaceOf = definition === "contour" ? contourCorners : borderPixels;
  const predicted = surfaceOf(cut(pair.predicted, pair.width, box), box, spacing);
  const truth = surfaceOf(cut(pair.truth, pair.width, box), box, spacing);
  return [sideOf(predicted, truth, spacing), sideOf(truth, predicted, spacing)];
}

interface Box {
  top: number;
  left: number;
  height: number;
  width: number;
}

/** The least box with both masks: no point of a surface, and no shortest way between two, lies outside of it. */
function boxAround({ height, width, predicted, truth }: MaskPair): Box {
  let [top, bottom, left, right] = [height, -1, width, -1];
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      if (predicted[at] === 0 && truth[at] === 0) continue;
      if (y < top) top = y;
      bottom = y;
      if (x < left) left = x;
      if (x > right) right = x;
    }
  }
  return { top, left, height: bottom - top + 1, width: right - left + 1 };
}

/** A mask's part in a box, with a margin of one pixel outside of it. */
function cut(mask: ArrayLike<number>, stride: number, { top, left, height, width }: Box): Uint8Array {
  const part = new Uint8Array((height + 2) * (width + 2));
  for (let y = 0; y < height; y++) {
    const from = (top + y) * stride + left;
    const to = (y + 1) * (width + 2) + 1;
    for (let x = 0; x < width; x++) part[to + x] = mask[from + x] === 0 ? 0 : 1;
  }
  return part;
}

/** Points of a surface on a grid as fine as the pixels. */
interface Surface {
  height: number;
  width: number;
  /** uint8 [height, width]: 0 where there is no point, else what `lengths` knows it by. */
  points: Uint8Array;
  /** By the value of a point. */
  lengths: Float64Array | undefined;
}

function borderPixels(mask: Uint8Array, { height, width }: Box): Surface {
  const points = new Uint8Array(height * width);
  const stride = width + 2;
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0, at = (y + 1) * stride + 1; x < width; x++, at++, to++) {
      if (mask[at] === 0) continue;
      if (mask[at - 1] && mask[at + 1] && mask[at - stride] && mask[at + stride]) continue;
      points[to] = 1;
    }
  }
  return { height, width, points, lengths: undefined };
}

/** Corners have one more row and column than pixels; a point's value says which of the four around it are inside. */
function contourCorners(mask: Uint8Array, box: Box, spacing: PixelSpacing): Surface {
  const [height, width] = [box.height + 1, box.width + 1];
  const stride = box.width + 2;
  const points = new Uint8Array(height * width);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0, at = y * stride; x < width; x++, at++, to++) {
      const above = (mask[at] as number) * 8 + (mask[at + 1] as number) * 4;
      const code = above + (mask[at + stride] as number) * 2 + (mask[at + stride + 1] as number);
      points[to] = code === ALL_INSIDE ? 0 : code;
    }
  }
  return { height, width, points, lengths: contourLengths(spacing) };
}

const ALL_INSIDE = 15;

/** The length of the outline between the centres of four pixels, by which of them are inside: marching squares. */
function contourLengths([vertical, horizontal]: PixelSpacing): Float64Array {
  const across = Math.hypot(vertical, horizontal) / 2;
  const lengths = new Float64Array(ALL_INSIDE);
  for (let code = 1; code < ALL_INSIDE; code++) {
    const rows = code === 0b1100 || code === 0b0011;
    const columns = code === 0b1010 || code === 0b0101;
    const twice = code === 0b1001 || code === 0b0110;
    lengths[code] = rows ? horizontal : columns ? vertical : twice ? 2 * across : across;
  }
  return lengths;
}

function sideOf(from: Surface, to: Surface, spacing: PixelSpacing): SurfaceSide {
  const squares = squaredDistances(to.points, to.height, to.width, spacing);
  const at: number[] = [];
  for (let i = 0; i < from.points.length; i++) if (from.points[i] !== 0) at.push(i);
  const { lengths } = from;
  if (!lengths) return { distances: Float64Array.from(at, (i) => Math.sqrt(squares[i] as number)).sort(), lengths };
  at.sort((a, b) => (squares[a] as number) - (squares[b] as number));
  return {
    distances: Float64Array.from(at, (i) => Math.sqrt(squares[i] as number)),
    lengths: Float64Array.from(at, (i) => lengths[from.points[i] as number] as number),
  };
}
