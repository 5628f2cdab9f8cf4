import type { Geometry } from "../../geometry/geometry.ts";
import type { CropRange } from "../../geometry/random-geometry.ts";
import type { AugmentationPlan } from "../../images/augment/plan.ts";
import type { Target, TargetOptions } from "../targets/target.ts";
import type { ReadingOptions } from "./sample-reader.ts";
import type { Sampling } from "./sampling.ts";

/** Images of one step, in the order of the epoch. */
export interface Batch {
  /** Position in the epoch, counted from 0. */
  batch: number;
  /** [B] indices into the loader's samples. */
  indices: Uint32Array;
  /** [B] how often the sample stood earlier in the epoch's order: above 0 only where classes are balanced. */
  repeats: Uint32Array;
  /** Of the kind that the loader was asked for; {@link targetOf} takes it as one kind. */
  target: Target;
  /** uint8 [B, H, W, C] in shared memory: cropped, resized, mirrored and augmented, not normalised. */
  images: Uint8Array;
  /** [B] uint8 [H, W] to 255 each: how much of each pixel was measured, where the loader was asked and not all was. */
  coverages: (Uint8Array | undefined)[];
  /** [B] */
  geometries: Geometry[];
  /** [B] */
  paths: string[];
  /**
   * Gives the memory of `images`, and of the classes of their pixels, back for a later batch: they must not be used after. Optional, but without it the
   * memory waits for the garbage collector, which sees little reason to hurry.
   */
  release(): void;
}

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
  signal?: AbortSignal;
}

/** How the whole list is gone through once. */
export type InOrderOptions = Pick<EpochOptions, "batchSize" | "signal">;

/** Batches that an epoch of `samples` images gives. */
export function batchesPerEpoch(samples: number, batchSize: number, dropLast: boolean): number {
  return dropLast ? Math.floor(samples / batchSize) : Math.ceil(samples / batchSize);
}
