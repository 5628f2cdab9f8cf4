import { quantileOf } from "../quantile.ts";
import type { SurfaceSide } from "./surface.ts";

/** How far two surfaces lie apart. */
export interface DistanceFigures {
  /** Hausdorff distance: the largest from a point of either surface to the other. */
  hd: number;
  /** The larger of the two 95th percentiles. */
  hd95: number;
  /** Average symmetric surface distance: the mean over the points of both surfaces. */
  assd: number;
  /** Normalised surface Dice: the share of both surfaces that lies within the tolerance of the other, in [0, 1]. */
  nsd: number;
}

/**
 * The figures of two surfaces, in the unit of their distances.
 *
 * @param tolerance in that unit; a distance equal to it is within.
 * Source: MONAI 1.5's `compute_hausdorff_distance`, `compute_average_surface_distance(symmetric)` and
 * `compute_surface_dice` where points count alike, DeepMind's surface-distance where they count by length.
 */
export function distanceFigures(sides: readonly [SurfaceSide, SurfaceSide], tolerance: number): DistanceFigures {
  let [total, sum, within] = [0, 0, 0];
  for (const { distances, lengths } of sides) {
    for (let i = 0; i < distances.length; i++) {
      const length = lengths ? (lengths[i] as number) : 1;
      const distance = distances[i] as number;
      total += length;
      sum += length * distance;
      if (distance <= tolerance) within += length;
    }
  }
  return {
    hd: Math.max(...sides.map((side) => side.distances.at(-1) as number)),
    hd95: Math.max(...sides.map((side) => percentile(side, 0.95))),
    assd: sum / total,
    nsd: within / total,
  };
}

/** NumPy's linear interpolation where points count alike, else the first point at which the share is reached. */
function percentile({ distances, lengths }: SurfaceSide, share: number): number {
  if (!lengths) return quantileOf(distances, share);
  const last = distances.length - 1;
  const total = lengths.reduce((sum, length) => sum + length, 0);
  let sum = 0;
  for (let i = 0; i < last; i++) {
    sum += lengths[i] as number;
    if (sum / total >= share) return distances[i] as number;
  }
  return distances[last] as number;
}
