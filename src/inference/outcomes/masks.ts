import type { Dataset, Sample } from "../../data/dataset.ts";
import type { OriginalPixels } from "../../data/loader/sample-reader.ts";
import type { SampleMask } from "../../data/sample.ts";
import type { PixelSpacing } from "../../formats/source-image.ts";
import type { ModelDescription } from "../../interop/model-file.ts";
import { areaOf, classesAtSize, type PixelClasses } from "../../results/mask-of-outputs.ts";
import type { EmptyRule, ImageSegmentation, SurfaceDefinition } from "../../results/metrics/index.ts";
import { diceOfImage, SegmentationMeter, type SegmentationMetrics } from "../../results/metrics/index.ts";
import { outlinePair } from "../../results/visual/index.ts";
import { MsmaeError } from "../../support/errors.ts";
import { IGNORED } from "../../support/ignored.ts";
import { pictureOf } from "../original-pictures.ts";
import type { Told } from "../run-images.ts";
import { classIndices } from "./class-indices.ts";
import type { Gathered, Outcome } from "./outcome.ts";

/** How masks are made of a segmenter's outputs, and measured. */
export interface MaskOptions {
  /** As {@link Outcome.windowOverlap}. */
  windowOverlap?: number | undefined;
  /** From which probability on a pixel is inside, where there is one class beside the background. Default 0.5. */
  threshold?: number | undefined;
  emptyMasks?: EmptyRule | undefined;
  surface?: SurfaceDefinition | undefined;
  /** Of the normalised surface Dice, in mm or pixels. */
  tolerance?: number | undefined;
  /** Whether to measure surfaces too; default true. */
  distances?: boolean | undefined;
  /** Whether to give the figures intervals; default true. */
  intervals?: boolean | undefined;
}

/** What is to be known of a model: the classes of pixels, the background first, and what intervals are drawn with. */
type PixelModel = Pick<ModelDescription, "classNames" | "seed">;

/** The figures of a segmenter on a set of images, its masks brought to the images' own size. */
export type MaskMetrics = Omit<SegmentationMetrics, "mean"> & SegmentationMetrics["mean"] & { threshold: number };

/** What a segmenter says of a set of images. */
export interface Segmentation extends Gathered {
  meter: SegmentationMeter;
}

/** What a segmenter says of one image. */
export interface MaskPrediction {
  /** Pixels of the image's own size. */
  height: number;
  width: number;
  /** uint8 [height, width] indices into the class names, 0 for the background. */
  classes: Uint8Array;
  /** By class name, without the background; `mm2` where the file says how large its pixels are. */
  areas: Record<string, { pixels: number; mm2?: number }>;
  /** By class name: the mean probability of the pixels of a class; null where it has none. */
  confidences: Record<string, number | null>;
}

/**
 * The class of each pixel: `probabilities` [batch, outputs, height, width] brought to each image's own size, against the
 * samples' masks.
 * Source: method.md section 6, metrics.
 */
export function masks(asked: MaskOptions = {}): Outcome<Segmentation, MaskMetrics, PixelModel, MaskPrediction> {
  const { windowOverlap, emptyMasks, surface, tolerance, distances, intervals = true } = asked;
  const thresholdOf = ({ classNames }: Pick<PixelModel, "classNames">) => {
    if (asked.threshold === undefined || classNames.length === 2) return asked.threshold ?? 0.5;
    throw thresholdOfSeveral(asked.threshold, classNames);
  };
  const measuring = {
    ...(emptyMasks && { empty: emptyMasks }),
    ...(surface && { surface }),
    ...(tolerance !== undefined && { tolerance }),
    ...(distances !== undefined && { distances }),
  };
  const pixelsOf = (told: Told, image: OriginalPixels, model: Pick<PixelModel, "classNames">) =>
    pixelClasses(told, image, thresholdOf(model));
  return {
    tells: "masks",
    target: { kind: "mask" },
    originals: windowOverlap === undefined ? true : "pixels",
    windowOverlap,
    samplesFor: withModelClasses,
    line(told, { classNames }, image): MaskPrediction | undefined {
      if (!told.values.probabilities?.every(Number.isFinite)) return undefined;
      const { classes, pixels, confidences } = pixelsOf(told, image, { classNames });
      const { height, width, spacing } = image;
      return { height, width, classes, ...byName(classNames, { pixels, confidences, spacing }) };
    },
    gather({ classNames }) {
      const meter = new SegmentationMeter({ classNames, ...measuring });
      const indices: number[] = [];
      const paths: string[] = [];
      return {
        add({ originals, groups, ...batch }, told) {
          for (const [b, said] of told.entries()) {
            const image = originals[b] as OriginalPixels;
            const truth = image.classes as Uint8Array;
            const { height, width, spacing } = image;
            const { classes: predicted } = pixelsOf(said, image, { classNames });
            meter.add({ height, width, spacing, predicted, truth }, groups[b]);
          }
          indices.push(...batch.indices);
          paths.push(...batch.paths);
        },
        finish: () => ({ meter, indices: Uint32Array.from(indices), paths }),
      };
    },
    measure({ meter }, { seed, classNames }) {
      const { mean, ...metrics } = meter.metrics(intervals ? { seed } : undefined);
      return { ...metrics, ...mean, threshold: thresholdOf({ classNames }) };
    },
    figures: (metrics) => metrics,
    validation({ dice, iou, sensitivity, precision }) {
      const known = Object.entries({ dice, iou, sensitivity, precision }).filter(([, value]) => value !== null);
      // The paper keeps the weights of the best IoU.
      return { metrics: Object.fromEntries(known) as Record<string, number>, score: iou ?? 0, loss: 1 - (dice ?? 0) };
    },
    columns: ({ classNames }) => classNames.slice(1).flatMap((name) => COLUMNS.map((figure) => `${figure}(${name})`)),
    row: ({ meter }, i) => {
      const { classes } = meter.images[i] as ImageSegmentation;
      return classes.flatMap(({ figures }) => COLUMNS.map((figure) => String(figures[figure] ?? "")));
    },
    report(metrics, split, cases, { meter }) {
      const { dice, iou, sensitivity, precision, hd, hd95, assd, nsd } = metrics;
      const mean = { dice, iou, sensitivity, precision, hd, hd95, assd, nsd };
      const told = meter.images.map(diceOfImage).filter((value) => value !== null);
      return { segmentation: { split, metrics: { ...metrics, mean }, dice: told, cases } };
    },
    examples: (result, count) => bestToWorst(result, count),
    caption(result, i) {
      const order = ranked(result);
      const dice = diceOfImage(result.meter.images[i] as ImageSegmentation);
      return `${order.indexOf(i) + 1} of ${order.length}: Dice ${dice?.toFixed(3) ?? "not defined"}`;
    },
    draw(told, image, { classNames }) {
      const { height, width } = image;
      const picture = pictureOf(image, PICTURE_SIDE);
      const truth = { height, width, data: image.classes as Uint8Array };
      const predicted = { height, width, data: pixelsOf(told, image, { classNames }).classes };
      return outlinePair(picture, truth, predicted, { numClasses: classNames.length });
    },
  };
}

/** Of several classes the likeliest counts. */
function thresholdOfSeveral(threshold: number, classNames: readonly string[]): MsmaeError {
  return new MsmaeError("Config", {
    where: "--threshold",
    expected: "a segmenter of one class beside the background",
    got: `${threshold} for one of ${classNames.join(", ")}`,
    todo: "leave it out: each pixel is of its likeliest class",
  });
}

/** Longest side of a picture in the report, in pixels. */
const PICTURE_SIDE = 448;

const COLUMNS = ["dice", "iou", "sensitivity", "precision", "hd95", "assd", "nsd"] as const;

function pixelClasses({ values, size }: Told, image: OriginalPixels, threshold: number): PixelClasses {
  const { probabilities = new Float32Array() } = values;
  const channels = probabilities.length / (size.height * size.width);
  return classesAtSize(probabilities, channels, size, image, threshold);
}

interface Counted {
  pixels: readonly number[];
  confidences: readonly (number | null)[];
  spacing: PixelSpacing | undefined;
}

function byName(classNames: readonly string[], { pixels, confidences, spacing }: Counted) {
  const areas = classNames.slice(1).map((name, k) => {
    const count = pixels[k + 1] as number;
    const mm2 = areaOf(count, spacing);
    return [name, { pixels: count, ...(mm2 !== undefined && { mm2 }) }] as const;
  });
  const certain = classNames.slice(1).map((name, k) => [name, confidences[k + 1] as number | null] as const);
  return { areas: Object.fromEntries(areas), confidences: Object.fromEntries(certain) };
}

/**
 * Samples whose masks name the model's classes of pixels, which may be in another order or more than the data set's.
 *
 * @throws MsmaeError Data when the data set's masks have classes that the model does not know.
 */
function withModelClasses(
  { maskClasses = [] }: Pick<Dataset, "maskClasses">,
  samples: readonly Sample[],
  { classNames }: PixelModel,
  dataPath: string,
): Sample[] {
  const outlined = classIndices(maskClasses.slice(1), classNames, `classes of the masks of ${dataPath}`);
  const indices = [0, ...outlined];
  const indexOf = (k: number) => (k === IGNORED ? IGNORED : (indices[k] as number));
  const known = new Map<SampleMask, SampleMask>();
  const renamed = (mask: SampleMask): SampleMask => {
    const found = known.get(mask);
    if (found) return found;
    const other =
      "values" in mask
        ? { ...mask, values: new Map([...mask.values].map(([value, k]) => [value, indexOf(k)])) }
        : { ...mask, class: indexOf(mask.class) };
    known.set(mask, other);
    return other;
  };
  return samples.map(({ masks: own, ...sample }) => ({ ...sample, ...(own && { masks: own.map(renamed) }) }));
}

/** The images from the best to the worst; those without any figure come last. */
function ranked({ meter }: Segmentation): number[] {
  const dice = meter.images.map((image) => diceOfImage(image) ?? -1);
  return dice.map((_, i) => i).sort((a, b) => (dice[b] as number) - (dice[a] as number) || a - b);
}

/** The best, the median and the worst images, as many of each. */
function bestToWorst(result: Segmentation, count: number): number[] {
  const order = ranked(result);
  if (order.length <= count) return order;
  const each = Math.floor(count / 3);
  const middle = Math.floor((order.length - each) / 2);
  return [...order.slice(0, each), ...order.slice(middle, middle + each), ...order.slice(-each)];
}
