import type { ResampledStatistic } from "../resample.ts";
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
import {
  type FigureIntervals,
  type FigureValues,
  type IntervalOptions,
  type MeanIntervals,
  type MeanName,
  meanIntervals,
  meansStatistic,
} from "./intervals.ts";
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
  /** Its index, 0 for the background. */
  index: number;
  /** Images whose truth has this class. */
  present: number;
  /** Over all images; those without the class, in truth and prediction, count as the rule for empty masks says. */
  images: FigureSpreads;
  /** Of the means over all images, where asked for. */
  intervals?: FigureIntervals;
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
  /** Of `mean`, where asked for. */
  intervals?: FigureIntervals;
  /** How many groups of images the intervals are drawn from, and how often. */
  resampling?: Pick<MeanIntervals, "groups" | "resamples">;
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

/**
 * One figure for an image, to find the best and the worst: the mean Dice of the classes that truth or prediction has there,
 * whatever the rule for empty masks; null where neither has any.
 */
export function diceOfImage({ classes }: ImageSegmentation): number | null {
  const found = classes.map(
    ({ counts }) => overlapFigures(counts, "undefined").dice ?? (counts.falsePositives > 0 ? 0 : null),
  );
  return spreadOf(found)?.mean ?? null;
}

/** Measures segmentations image by image, and keeps figures only. */
export class SegmentationMeter {
  readonly #options: ResolvedSegmentation;
  readonly #images: ImageSegmentation[] = [];
  readonly #groups: (string | undefined)[] = [];

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
   * @param group the patient, lesion or file that it is of; without one it is a group of its own.
   * @throws MsmaeError Shape when a map does not fit the image; Data for a value that is no class.
   */
  add(image: SegmentedImage, group?: string): ImageSegmentation {
    const classes = imageFigures(image, this.#options);
    const figures: ImageSegmentation = { unit: image.spacing ? "mm" : "pixels", classes };
    this.#images.push(figures);
    this.#groups.push(group);
    return figures;
  }

  /** Of which patient, lesion or file each image is. */
  get groups(): readonly (string | undefined)[] {
    return this.#groups;
  }

  /**
   * The figures of some of the images, or of all of them in another order.
   *
   * @param images their places.
   * @param classes [measured classes] the places of those that come first, second and so on.
   */
  select(images: readonly number[], classes: readonly number[]): SegmentationMeter {
    const { classNames, background } = this.#options;
    const measured = measuredClasses(this.#options);
    const names = classes.map((k) => classNames[measured[k] as number] as string);
    const unmeasured = background ? [] : classNames.slice(0, 1);
    const selected = new SegmentationMeter({ ...this.#options, classNames: [...unmeasured, ...names] });
    for (const at of images) {
      const { unit, classes: own } = this.#images[at] as ImageSegmentation;
      selected.#images.push({ unit, classes: classes.map((k) => own[k] as ClassInImage) });
      selected.#groups.push(this.#groups[at]);
    }
    return selected;
  }

  /** The means that {@link SegmentationMeter.metrics} tells, of resamples of the images. */
  statistic(): ResampledStatistic<MeanName> {
    return meansStatistic(this.#values());
  }

  /**
   * @param drawn also gives the 95 % intervals of all means, by drawing the groups of images anew.
   * @throws MsmaeError Config for too few resamples.
   */
  metrics(drawn?: IntervalOptions): SegmentationMetrics {
    const { classNames, surface, tolerance, empty } = this.#options;
    const indices = measuredClasses(this.#options);
    const unit = this.#unit();
    const values = this.#values();
    const intervals = drawn && meanIntervals(values, this.#groups, drawn);
    const perClass = indices.map((index, at) => ({
      class: classNames[index] as string,
      index,
      ...this.#classOver(at, values[at] as FigureValues),
      ...(intervals && { intervals: intervals.perClass[at] as FigureIntervals }),
    }));
    const mean = (figure: keyof SegmentationFigures) =>
      spreadOf(perClass.map((one) => one.images[figure]?.mean ?? null));
    return {
      n: this.#images.length,
      classNames: perClass.map((one) => one.class),
      mean: eachFigure((figure) => mean(figure)?.mean ?? null),
      perClass,
      ...(intervals && {
        intervals: intervals.mean,
        resampling: { groups: intervals.groups, resamples: intervals.resamples },
      }),
      unit,
      surface,
      tolerance,
      empty,
    };
  }

  #unit(): SegmentationMetrics["unit"] {
    const units = new Set(this.#images.map(({ unit }) => unit));
    return units.size > 1 ? "mixed" : ([...units][0] ?? "pixels");
  }

  #values(): FigureValues[] {
    const oneUnit = this.#unit() !== "mixed";
    return measuredClasses(this.#options).map((_, at) => this.#valuesOf(at, oneUnit));
  }

  #valuesOf(at: number, oneUnit: boolean): FigureValues {
    const inImages = this.#images.map(({ classes }) => (classes[at] as ClassInImage).figures);
    return eachFigure((figure) => inImages.map((figures) => (oneUnit || isOverlap(figure) ? figures[figure] : null)));
  }

  #classOver(at: number, values: FigureValues): Omit<ClassSegmentation, "class" | "index" | "intervals"> {
    const all = this.#images.map(({ classes }) => classes[at] as ClassInImage);
    const isPresent = all.map(({ counts }) => counts.truePositives + counts.falseNegatives > 0);
    const sum = (name: keyof OverlapCounts) => all.reduce((total, { counts }) => total + counts[name], 0);
    const counts = {
      truePositives: sum("truePositives"),
      falsePositives: sum("falsePositives"),
      falseNegatives: sum("falseNegatives"),
    };
    return {
      present: isPresent.filter(Boolean).length,
      images: eachFigure((figure) => spreadOf(values[figure])),
      imagesWithClass: eachFigure((figure) => spreadOf(values[figure].filter((_, image) => isPresent[image]))),
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
