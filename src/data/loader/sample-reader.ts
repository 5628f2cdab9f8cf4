import type { RasterImage } from "../../formats/raster.ts";
import type { PixelSpacing } from "../../formats/source-image.ts";
import { type Geometry, wholeImage } from "../../geometry/geometry.ts";
import { followNearest } from "../../geometry/nearest.ts";
import type { CropRange } from "../../geometry/random-geometry.ts";
import { randomGeometry } from "../../geometry/random-geometry.ts";
import { augmentImage } from "../../images/augment/augment-image.ts";
import { Canvas } from "../../images/augment/canvas.ts";
import type { AugmentationPlan } from "../../images/augment/plan.ts";
import { toChannels } from "../../images/channels.ts";
import { resizeCoverage, warpCoverage } from "../../images/transforms/coverage.ts";
import { Resizer } from "../../images/transforms/resize.ts";
import { shrinkImage } from "../../images/transforms/shrink.ts";
import { failureOf } from "../../support/errors.ts";
import { RandomStream } from "../../support/random.ts";
import { concernsWholeFile, decodeImage } from "../pictures/decode-image.ts";
import type { ReadingOptions } from "../pictures/reading.ts";
import type { SampleMask } from "../sample.ts";
import { type CachedSample, DecodedCache, type DecodedCacheMemory } from "./decoded-cache.ts";
import { MaskReader } from "./mask-reader.ts";
import type { OriginalsOption } from "./options.ts";

/** How masks are read. */
export interface MaskReading {
  /** The class of what a warp takes from outside of the image. */
  outside: number;
}

/** What every thread of a loader needs to know. */
export interface ReaderSetup {
  inputHeight: number;
  inputWidth: number;
  channels: 1 | 3;
  reading: ReadingOptions;
  /** Also tell how much of each pixel was measured. */
  coverage?: boolean | undefined;
  /** Also read the masks. */
  masks?: MaskReading | undefined;
  cache: DecodedCacheMemory | undefined;
}

/** One picture to read. */
export interface ReadItem {
  /** Position in the batch. */
  slot: number;
  /** What the cache and the random draws know it by. */
  sample: number;
  /** How often the sample came earlier in the epoch, so that it is not cropped in the same way again. Default 0. */
  repeat?: number;
  path: string;
  /** Frame, page or slice of a file that holds several. */
  item?: number | undefined;
  /** Read where the reader was asked to. */
  masks?: readonly SampleMask[] | undefined;
}

/** Samples to read into the slots of one batch. */
export interface ReadTask {
  /** Random resized crop (bicubic) and mirror, or the whole image (bilinear). */
  augment: boolean;
  crop: CropRange;
  /** With `augment`: what happens after that. */
  plan?: AugmentationPlan | undefined;
  seed: number;
  epoch: number;
  items: ReadItem[];
  /** uint8 [B, H, W, C]. */
  images: Uint8Array;
  /** uint8 [B, H, W] for the classes of the pixels; needed where masks are read. */
  classes?: Uint8Array | undefined;
  /** Also give each picture itself, shrunk until no side is longer than this, in pixels. */
  pictureSide?: number | undefined;
  /** Also tell of each image as its file has it. */
  originals?: OriginalsOption | undefined;
}

/** What became of one item. */
export type ReadOutcome = ReadPicture | UnreadItem;

/** Why there is no picture. */
export interface UnreadItem {
  unreadable: string;
  code: string;
  /** The file cannot be opened: what is said holds for all its pictures. */
  wholeFile?: boolean;
}

export interface ReadPicture {
  geometry: Geometry;
  /** Present when asked for. */
  original?: OriginalPixels;
  picture?: RasterImage;
  /** uint8 [H, W] to 255: how much of each pixel was measured; absent where all was, or nobody asked. */
  coverage?: Uint8Array;
}

/** The pixels of an image as its file has them. */
export interface OriginalPixels {
  height: number;
  width: number;
  /** Where the file says how large they are in the body. */
  spacing?: PixelSpacing;
  /** uint8 [height, width], their classes; present where masks are read. Memory that must not be written. */
  classes?: Uint8Array;
  /**
   * uint8 [height, width, C] in the channels of the network's input, windowed and neither cropped nor resized; present
   * where `pixels` were asked for. Memory that must not be written.
   */
  image?: RasterImage;
}

/** What became of a task; `items` in the order of the task's. */
export interface ReadReport {
  items: ReadOutcome[];
  decoded: number;
  cacheHits: number;
  decodeMs: number;
  resizeMs: number;
}

/** Decodes, crops, resizes, mirrors and augments samples; one for each thread. */
export class SampleReader {
  readonly #setup: ReaderSetup;
  readonly #cache: DecodedCache | undefined;
  readonly #masks: MaskReader;
  readonly #resizer = new Resizer();
  readonly #grey: Uint8Array;
  #canvas: Canvas | undefined;

  constructor(setup: ReaderSetup) {
    this.#setup = setup;
    this.#cache = setup.cache && new DecodedCache(setup.cache);
    this.#masks = new MaskReader(setup.reading.sliceAxis);
    this.#grey = new Uint8Array(setup.inputHeight * setup.inputWidth);
  }

  /**
   * Reads a task's samples into its batch. Files that cannot be decoded are reported, not thrown.
   *
   * @param onItem hears the position of each item in the task before it is begun.
   */
  async run(task: ReadTask, onItem?: (at: number) => void): Promise<ReadReport> {
    const report: ReadReport = { items: [], decoded: 0, cacheHits: 0, decodeMs: 0, resizeMs: 0 };
    const { inputHeight, inputWidth, channels } = this.#setup;
    const imageBytes = inputHeight * inputWidth * channels;
    for (const [at, item] of task.items.entries()) {
      onItem?.(at);
      const { slot } = item;
      const started = performance.now();
      const found = await this.#load(item, report);
      const loaded = performance.now();
      report.decodeMs += loaded - started;
      if ("unreadable" in found) {
        report.items.push(found);
        continue;
      }
      const { image } = found;
      const cropped = task.augment
        ? randomGeometry(image.height, image.width, drawsOf("crops", task, item), task.crop, task.plan?.flipX)
        : wholeImage(image.height, image.width);
      const out = task.images.subarray(slot * imageBytes, (slot + 1) * imageBytes);
      this.#resize(image, cropped, task.augment, out);
      const geometry = task.augment && task.plan ? this.#augment(out, cropped, task.plan, task, item) : cropped;
      this.#place(found, geometry, slot, task);
      report.resizeMs += performance.now() - loaded;
      const outcome: ReadPicture = { geometry };
      if (task.originals) outcome.original = originalOf(found, task.originals === "pixels" ? channels : undefined);
      if (task.pictureSide !== undefined) outcome.picture = shrinkImage(image, task.pictureSide, this.#resizer);
      const coverage = this.#setup.coverage && this.#coverage(image, geometry);
      if (coverage) outcome.coverage = coverage;
      report.items.push(outcome);
    }
    return report;
  }

  /** The decoded image and what its masks say, or the reason why there is none. */
  async #load({ sample, path, item, masks }: ReadItem, report: ReadReport): Promise<CachedSample | UnreadItem> {
    const held = this.#cache?.get(sample);
    if (held) {
      report.cacheHits++;
      return held;
    }
    try {
      // A grey file stays grey in the cache even for an RGB model: a third of the memory and of the resizing.
      const { channels, reading } = this.#setup;
      const image = await decodeImage(path, { ...reading, item, ...(channels === 1 ? { channels } : {}) });
      if (!this.#setup.coverage) delete image.unmeasured;
      report.decoded++;
      const found: CachedSample = { image };
      if (this.#setup.masks) {
        const { height, width } = image;
        found.classes = await this.#masks.read({ path, item, height, width }, masks ?? []);
      }
      this.#cache?.put(sample, found);
      return found;
    } catch (error) {
      const { code, message } = failureOf(error);
      return { unreadable: message, code, ...(concernsWholeFile(error) ? { wholeFile: true } : {}) };
    }
  }

  /** Gives the classes of a sample's pixels the geometry of its image. */
  #place({ classes }: CachedSample, geometry: Geometry, slot: number, task: ReadTask): void {
    const { inputHeight: height, inputWidth: width, masks } = this.#setup;
    if (!masks || !classes || !task.classes) return;
    const out = task.classes.subarray(slot * height * width, (slot + 1) * height * width);
    followNearest(classes, geometry, { height, width, outside: masks.outside, out });
  }

  #coverage(image: RasterImage, { crop, flip, warps }: Geometry): Uint8Array | undefined {
    const { inputHeight, inputWidth } = this.#setup;
    const coverage = resizeCoverage(this.#resizer, image, inputHeight, inputWidth, { crop, flip });
    return coverage && warps ? warpCoverage(coverage, inputHeight, inputWidth, warps) : coverage;
  }

  #augment(out: Uint8Array, cropped: Geometry, plan: AugmentationPlan, task: ReadTask, item: ReadItem): Geometry {
    const { inputHeight, inputWidth, channels } = this.#setup;
    this.#canvas ??= new Canvas(inputHeight, inputWidth, channels);
    this.#canvas.pixels.set(out);
    const warps = augmentImage(this.#canvas, plan, drawsOf("augment", task, item));
    out.set(this.#canvas.pixels);
    return warps.length === 0 ? cropped : { ...cropped, warps };
  }

  #resize(image: RasterImage, { crop, flip }: Geometry, augment: boolean, out: Uint8Array): void {
    const { inputHeight, inputWidth, channels } = this.#setup;
    const filter = augment ? "bicubic" : "bilinear";
    if (image.channels === channels) {
      this.#resizer.resize(image, inputHeight, inputWidth, { filter, crop, flip, out });
      return;
    }
    this.#resizer.resize(image, inputHeight, inputWidth, { filter, crop, flip, out: this.#grey });
    for (let at = 0, to = 0; at < this.#grey.length; at++, to += 3) {
      const value = this.#grey[at] as number;
      out[to] = value;
      out[to + 1] = value;
      out[to + 2] = value;
    }
  }
}

/** @param channels those that the image itself is wanted in; without it only the facts. */
function originalOf({ image, classes }: CachedSample, channels: 1 | 3 | undefined): OriginalPixels {
  const { height, width, spacing } = image;
  const original: OriginalPixels = { height, width, ...(spacing && { spacing }), ...(classes && { classes }) };
  return channels === undefined ? original : { ...original, image: toChannels(image, channels) };
}

/** The stream of an item's crop or augmentation; a repeated sample has another. */
function drawsOf(name: "crops" | "augment", { seed, epoch }: ReadTask, { sample, repeat = 0 }: ReadItem): RandomStream {
  return RandomStream.for(seed, name, epoch, sample, ...(repeat === 0 ? [] : [repeat]));
}
