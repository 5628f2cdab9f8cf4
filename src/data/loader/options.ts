import type { CropRange } from "../../geometry/random-geometry.ts";
import type { AugmentationPlan } from "../../images/augment/plan.ts";
import type { ReadingOptions } from "../pictures/reading.ts";
import type { TargetOptions } from "../targets/target.ts";
import type { Sampling } from "./sampling.ts";

/** What a loader makes and what it may use. */
export interface LoaderOptions {
  inputHeight: number;
  inputWidth: number;
  /** Channels of the network's input; files of the other kind are converted. */
  channels: 1 | 3;
  /** Threads that read; 0 reads in this one. Default: cores − 1, from 1 to 4. */
  workers?: number;
  /** Bound of the decoded images kept in memory, in MiB; 0 keeps none. Default 512. */
  cacheMb?: number;
  /** Batches prepared ahead of the one in use. Default 3. */
  prefetch?: number;
  /** How grey values become 8 bits, and how volumes are cut. Default: the rule `auto`, axial slices. */
  reading?: ReadingOptions;
  /** What is to be told of the images. Default: their classes. */
  target?: TargetOptions;
  /** Also tell how much of each pixel was measured. Default false. */
  coverage?: boolean;
  /** Longest that one image may take in a worker thread before it counts as unreadable, in seconds. Default 60. */
  itemSeconds?: number;
  /** Fail at the first unreadable image, instead of going on without it. */
  strict?: boolean;
  /** Hears once of each unreadable image. */
  onWarning?: (message: string) => void;
}

/** The batches of one of several processes: those whose number leaves `index` when divided by `of`. */
export interface Share {
  index: number;
  of: number;
}

/** What is to be told of each image as its file has it: nothing, its size and classes, or the image as well. */
export type OriginalsOption = boolean | "pixels";

/** Which batches an epoch has, and how its images are made. */
export interface EpochOptions {
  epoch: number;
  seed: number;
  batchSize: number;
  /** Training: random resized crop (bicubic) and mirror. Else the whole image, resized bilinearly. */
  augment: boolean;
  /** Bounds of the random crop. Default: the paper's, scale 0.2–1 and ratio 3/4–4/3. */
  crop?: CropRange;
  /** With `augment`: what happens to images after that. Default: nothing. */
  plan?: AugmentationPlan | undefined;
  shuffle: boolean;
  /** Which samples a shuffled epoch shows. Default `natural`: each once. */
  sampling?: Sampling | undefined;
  /** Leave out the last batch when it is not full. */
  dropLast: boolean;
  /** First batch to give, for resuming inside an epoch. Default 0. */
  startBatch?: number;
  /** Which of the batches to give. Default: all. */
  share?: Share | undefined;
  /** Also tell of each image as its file has it; with `pixels`, the image itself comes along. Default false. */
  originals?: OriginalsOption;
  signal?: AbortSignal;
}

/** How the whole list is gone through once. */
export type InOrderOptions = Pick<EpochOptions, "batchSize" | "originals" | "share" | "signal">;

/** Batches that an epoch of `samples` images gives. */
export function batchesPerEpoch(samples: number, batchSize: number, dropLast: boolean): number {
  return dropLast ? Math.floor(samples / batchSize) : Math.ceil(samples / batchSize);
}
