import type { PixelSpacing } from "../../../formats/source-image.ts";
import { MsmaeError } from "../../../support/errors.ts";
import { IGNORED } from "../../../support/ignored.ts";
import { type DistanceFigures, distanceFigures } from "./distance-figures.ts";
import { type SurfaceDefinition, surfaceDistances } from "./surface.ts";

/**
 * What a class counts as that is missing in the truth or the prediction of an image.
 *
 * - `worst`: in both, everything is right: 1, and a distance of 0. In one of them, everything is wrong: 0, and a distance as
 *   long as the image's diagonal, so that a mean gets no better by leaving masks out. As MetricsReloaded has it.
 * - `undefined`: no figure (null), which no mean counts, where MONAI has nan or, for `hd` and `assd`, infinity: Dice, IoU and
 *   sensitivity where the truth is empty, precision where the prediction is, distances where either is, surface Dice where
 *   both are.
 */
export const EMPTY_RULES = ["worst", "undefined"] as const;
export type EmptyRule = (typeof EMPTY_RULES)[number];

/** How segmentations are measured. */
export interface SegmentationOptions {
  /** [classes] in the order of the classes' indices; the first is the background. */
  classNames: readonly string[];
  /** Also measure the background as a class. Default false. */
  background?: boolean;
  /** The value of true pixels that nobody has judged: they belong to no mask, true or predicted. Default 255. */
  ignored?: number;
  /** Default `worst`. */
  empty?: EmptyRule;
  /** Default `border-pixels`: what most published figures are of. */
  surface?: SurfaceDefinition;
  /** Of the normalised surface Dice, in mm, or in pixels where an image has no spacing. Default 2. */
  tolerance?: number;
  /** False leaves distances out (null), which take most of the time. Default true. */
  distances?: boolean;
}

/** An image and what was said of its pixels. */
export interface SegmentedImage {
  height: number;
  width: number;
  /** [height, width] class indices. */
  predicted: Uint8Array;
  /** [height, width] class indices, or the value of ignored pixels. */
  truth: Uint8Array;
  /** Without it distances are in pixels. */
  spacing?: PixelSpacing | undefined;
}

/** Pixels of one class against all others. */
export interface OverlapCounts {
  truePositives: number;
  falsePositives: number;
  falseNegatives: number;
}

/** Shares of pixels, in [0, 1]; null where they are undefined. */
export interface OverlapFigures {
  dice: number | null;
  /** Intersection over union. */
  iou: number | null;
  /** Share of the true pixels that were found. */
  sensitivity: number | null;
  /** Share of the predicted pixels that are right. */
  precision: number | null;
}

/** Every figure of one class in one image; what they are: {@link OverlapFigures}, {@link DistanceFigures}. */
export type SegmentationFigures = OverlapFigures & { [Name in keyof DistanceFigures]: number | null };

/** One class in one image. */
export interface ClassInImage {
  counts: OverlapCounts;
  figures: SegmentationFigures;
}

/** The options with their defaults. */
export type ResolvedSegmentation = Required<SegmentationOptions>;

export function resolveSegmentation(options: SegmentationOptions): ResolvedSegmentation {
  const defaults = {
    background: false,
    ignored: IGNORED,
    empty: "worst",
    surface: "border-pixels",
    tolerance: 2,
    distances: true,
  } as const;
  return { ...defaults, ...options };
}

/** The indices of the classes that are measured. */
export function measuredClasses({ classNames, background }: ResolvedSegmentation): number[] {
  return classNames.map((_, k) => k).filter((k) => background || k > 0);
}

/**
 * All figures of one image, for each of {@link measuredClasses}.
 *
 * @throws MsmaeError Shape when a map does not fit the image; Data for a value that is no class.
 */
export function imageFigures(image: SegmentedImage, options: ResolvedSegmentation): ClassInImage[] {
  const counts = countPixels(image, options);
  const judged = counts.flat().some((count) => count > 0);
  return measuredClasses(options).map((k) => {
    const overlap = countsOf(counts, k);
    return { counts: overlap, figures: judged ? figuresOf(image, k, overlap, options) : nothing() };
  });
}

/** Figures of pixels, of one image or of many together. */
export function overlapFigures(
  { truePositives, falsePositives, falseNegatives }: OverlapCounts,
  empty: EmptyRule,
): OverlapFigures {
  const truth = truePositives + falseNegatives;
  const predicted = truePositives + falsePositives;
  const figures = {
    dice: (2 * truePositives) / (truth + predicted),
    iou: truePositives / (truth + falsePositives),
    sensitivity: truePositives / truth,
    precision: truePositives / predicted,
  };
  if (empty === "worst") {
    if (truth === 0 && predicted === 0) return { dice: 1, iou: 1, sensitivity: 1, precision: 1 };
    // One of the two that divides by nothing is as wrong as the others.
    return truth === 0 || predicted === 0 ? { dice: 0, iou: 0, sensitivity: 0, precision: 0 } : figures;
  }
  const known = truth === 0 ? { dice: null, iou: null, sensitivity: null } : figures;
  return { ...figures, ...known, precision: predicted === 0 ? null : figures.precision };
}

function figuresOf(
  image: SegmentedImage,
  k: number,
  counts: OverlapCounts,
  options: ResolvedSegmentation,
): SegmentationFigures {
  const { height, width, spacing = [1, 1] } = image;
  const overlap = overlapFigures(counts, options.empty);
  if (!options.distances) return { ...overlap, ...noDistances() };
  const without = [counts.falseNegatives, counts.falsePositives].map((count) => counts.truePositives + count === 0);
  if (without.every(Boolean)) {
    return { ...overlap, ...(options.empty === "worst" ? { hd: 0, hd95: 0, assd: 0, nsd: 1 } : noDistances()) };
  }
  if (without.some(Boolean)) {
    const diagonal = Math.hypot(height * spacing[0], width * spacing[1]);
    const worst = { hd: diagonal, hd95: diagonal, assd: diagonal, nsd: 0 };
    return { ...overlap, ...(options.empty === "worst" ? worst : { ...noDistances(), nsd: 0 }) };
  }
  const { predicted, truth } = masksOf(image, k, options.ignored);
  const sides = surfaceDistances({ height, width, predicted, truth }, spacing, options.surface);
  return { ...overlap, ...distanceFigures(sides, options.tolerance) };
}

const noDistances = () => ({ hd: null, hd95: null, assd: null, nsd: null });

const nothing = (): SegmentationFigures => ({
  ...{ dice: null, iou: null, sensitivity: null, precision: null },
  ...noDistances(),
});

/** The pixels of one class, of those that somebody has judged. */
function masksOf({ predicted, truth }: SegmentedImage, k: number, ignored: number) {
  const masks = { predicted: new Uint8Array(truth.length), truth: new Uint8Array(truth.length) };
  for (let at = 0; at < truth.length; at++) {
    if (truth[at] === k) masks.truth[at] = 1;
    if (predicted[at] === k && truth[at] !== ignored) masks.predicted[at] = 1;
  }
  return masks;
}

/** counts[truth][predicted] of the pixels that somebody has judged. */
function countPixels(image: SegmentedImage, { classNames, ignored }: ResolvedSegmentation): number[][] {
  const { height, width, predicted, truth } = image;
  const classes = classNames.length;
  checkLength("predicted classes", predicted, height, width);
  checkLength("true classes", truth, height, width);
  // Every value of a byte has a place, so that the loop need not ask.
  const pairs = new Uint32Array(256 * 256);
  for (let at = 0; at < truth.length; at++) {
    const pair = (truth[at] as number) * 256 + (predicted[at] as number);
    pairs[pair] = (pairs[pair] as number) + 1;
  }
  const counts = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  pairs.forEach((count, pair) => {
    if (count === 0) return;
    const [row, column] = [pair >> 8, pair & 255];
    if (column >= classes) throw noClass("predicted classes", column, classes);
    if (row === ignored) return;
    if (row >= classes) throw noClass("true classes", row, classes);
    (counts[row] as number[])[column] = count;
  });
  return counts;
}

function countsOf(counts: readonly (readonly number[])[], k: number): OverlapCounts {
  const truePositives = counts[k]?.[k] as number;
  const row = (counts[k] as readonly number[]).reduce((sum, count) => sum + count, 0);
  const column = counts.reduce((sum, values) => sum + (values[k] as number), 0);
  return { truePositives, falsePositives: column - truePositives, falseNegatives: row - truePositives };
}

function checkLength(where: string, map: Uint8Array, height: number, width: number): void {
  if (map.length === height * width && map.length > 0) return;
  throw new MsmaeError("Shape", {
    where,
    expected: `[${height}, ${width}] = ${height * width} pixels, at least one`,
    got: `${map.length}`,
    todo: "bring prediction and truth to the image's own size first",
  });
}

function noClass(where: string, value: number, classes: number): MsmaeError {
  return new MsmaeError("Data", {
    where,
    expected: `class indices from 0 to ${classes - 1}`,
    got: `${value}`,
    todo: "name all classes, or give the value of ignored pixels",
  });
}
