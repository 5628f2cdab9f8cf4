// The figures of segmentations, as `msmae/metrics` gives them.
export { squaredDistances } from "./distance-transform.ts";
export {
  type ClassInImage,
  EMPTY_RULES,
  type EmptyRule,
  type OverlapCounts,
  type OverlapFigures,
  type SegmentationFigures,
  type SegmentationOptions,
  type SegmentedImage,
} from "./image-figures.ts";
export type { FigureIntervals, IntervalOptions } from "./intervals.ts";
export {
  type ClassSegmentation,
  diceOfImage,
  type FigureSpreads,
  type ImageSegmentation,
  SEGMENTATION_FIGURES,
  SegmentationMeter,
  type SegmentationMetrics,
} from "./segmentation.ts";
export type { Spread } from "./spread.ts";
export { SURFACES, type SurfaceDefinition } from "./surface.ts";
