import {
  type ClassInImage,
  type EmptyRule,
  imageFigures,
  measuredClasses,
  type OverlapCounts,
  type OverlapFigures,
  overlapFigures,
  type ResolvedSegmentation,
  resolveSegmentation,
  type SegmentationFigures,
  type SegmentationOptions,
  type SegmentedImage,
} from "./image-figures.ts";
import { type Spread, spreadOf } from "./spread.ts";
import type { SurfaceDefinition } from "./surface.ts";

const OVERLAPS = ["dice", "iou", "sensitivity", "precision"] as const;
const DISTANCES = ["hd", "hd95", "assd", "nsd"] as const;
/** The figures of a class, in the order in which they are told. */
export const SEGMENTATION_FIGURES = [...OVERLAPS, ...DISTANCES] as const;

/** The spread of every figure; null where no image has it. */
export type FigureSpreads = Record<keyof SegmentationFigures, Spread | null>;

/** One class over a set of images. */
export interface ClassSegmentation {
  class: string;
  /** Images whose truth has this class. */
  present: number;
  /** Over all images; those without the class, in truth and prediction, count as the rule for empty masks says. */
  images: FigureSpreads;
  /** Over the images whose truth has this class. */
  imagesWithClass: FigureSpreads;
  /** Of the pixels of all images together, and how many they are. */
  pooled: OverlapFigures & OverlapCounts;
}

/** The figures of a segmenter on a set of images; plain data that survives JSON unchanged. */
export interface SegmentationMetrics {
  /** Number of images. */
  n: number;
  /** The classes that are measured. */
  classNames: string[];
  /**
   * Means over classes of each class's mean over all images, of those that have the figure; null where none has it. Distances
   * in {@link SegmentationMetrics.unit}.
   */
  mean: Record<keyof SegmentationFigures, number | null>;
  perClass: ClassSegmentation[];
  /** Of distances; `mixed` where only some of the images have a spacing, and then there are no distances over images. */
  unit: "mm" | "pixels" | "mixed";
  surface: SurfaceDefinition;
  /** Of `nsd`, in `unit`. */
  tolerance: number;
  /** What an empty truth or prediction counts as. */
  empty: EmptyRule;
}

/** One image of a set, for tables and for finding the best and the worst. */
export interface ImageSegmentation {
  unit: "mm" | "pixels";
  /** One for each class that is measured. */
  classes: ClassInImage[];
}

/** Measures segmentations image by image, and keeps figures only. */
export class SegmentationMeter {
  readonly #options: ResolvedSegmentation;
  readonly #images: ImageSegmentation[] = [];

  constructor(options: SegmentationOptions) {
    this.#options = resolveSegmentation(options);
  }

  /** The images so far, in the order in which they came. */
  get images(): readonly ImageSegmentation[] {
    return this.#images;
  }

  /**
   * Measures one image.
   *
   * @throws MsmaeError Shape when a map does not fit the image; Data for a value that is no class.
   */
  add(image: SegmentedImage): ImageSegmentation {
    const classes = imageFigures(image, this.#options);
    const figures: ImageSegmentation = { unit: image.spacing ? "mm" : "pixels", classes };
    this.#images.push(figures);
    return figures;
  }

  metrics(): SegmentationMetrics {
    const { classNames, surface, tolerance, empty } = this.#options;
    const names = measuredClasses(this.#options).map((k) => classNames[k] as string);
    const units = new Set(this.#images.map(({ unit }) => unit));
    const unit = units.size > 1 ? "mixed" : ([...units][0] ?? "pixels");
    const perClass = names.map((name, at) => this.#classOver(name, at, unit !== "mixed"));
    const mean = (figure: keyof SegmentationFigures) =>
      spreadOf(perClass.map((one) => one.images[figure]?.mean ?? null));
    return {
      n: this.#images.length,
      classNames: names,
      mean: eachFigure((figure) => mean(figure)?.mean ?? null),
      perClass,
      unit,
      surface,
      tolerance,
      empty,
    };
  }

  #classOver(name: string, at: number, oneUnit: boolean): ClassSegmentation {
    const all = this.#images.map(({ classes }) => classes[at] as ClassInImage);
    const present = all.filter(({ counts }) => counts.truePositives + counts.falseNegatives > 0);
    const spreads = (images: readonly ClassInImage[]) =>
      eachFigure((figure) =>
        oneUnit || isOverlap(figure) ? spreadOf(images.map(({ figures }) => figures[figure])) : null,
      );
    const sum = (name: keyof OverlapCounts) => all.reduce((total, { counts }) => total + counts[name], 0);
    const counts = {
      truePositives: sum("truePositives"),
      falsePositives: sum("falsePositives"),
      falseNegatives: sum("falseNegatives"),
    };
    return {
      class: name,
      present: present.length,
      images: spreads(all),
      imagesWithClass: spreads(present),
      pooled: { ...overlapFigures(counts, this.#options.empty), ...counts },
    };
  }
}

function eachFigure<T>(of: (figure: keyof SegmentationFigures) => T): Record<keyof SegmentationFigures, T> {
  const entries = SEGMENTATION_FIGURES.map((figure) => [figure, of(figure)] as const);
  return Object.fromEntries(entries) as Record<keyof SegmentationFigures, T>;
}

function isOverlap(figure: keyof SegmentationFigures): boolean {
  return (OVERLAPS as readonly string[]).includes(figure);
}
