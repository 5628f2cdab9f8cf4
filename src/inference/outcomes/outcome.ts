import type { Dataset, Sample } from "../../data/dataset.ts";
import type { Batch } from "../../data/loader/loader.ts";
import type { TargetOptions } from "../../data/targets/target.ts";
import type { ModelDescription } from "../../interop/model-file.ts";
import type { ReportInput } from "../../results/report/index.ts";
import type { ImageBatch } from "../run-batches.ts";

/** Values of a graph's outputs by name, a row per image of the batch. */
export type Outputs = Readonly<Record<string, Float32Array>>;

/** What a model said of a set of images, in the order of its batches. */
export interface Gathered {
  /** [n] the batches' indices. */
  indices: Uint32Array;
  /** [n] */
  paths: readonly string[];
}

/** Images and what they are to be, in the order of a loader. */
export type TruthBatch = ImageBatch & Pick<Batch, "target" | "paths">;

/** Takes what a model says of a set of images, batch by batch. */
export interface Gatherer<R extends Gathered> {
  /** `outputs` may have rows for more images than the batch. */
  add(batch: TruthBatch, outputs: Outputs): void;
  finish(): R;
}

/** Metrics of a validation pass. A higher score is better; of equal scores the lower loss. */
export interface Validation {
  metrics: Record<string, number>;
  score: number;
  loss: number;
}

/**
 * What the outputs of a kind of model mean: how they are told of one image, compared with the truth of many, and shown.
 * `R` is what is gathered of a set, `M` its metrics, all of which stand in metrics.json, `D` what it needs to know of the
 * model.
 */
export interface Outcome<
  R extends Gathered = Gathered,
  M extends object = object,
  D extends object = ModelDescription,
> {
  /** What the loader gives to compare with. */
  readonly target: TargetOptions;
  /** Samples with their targets as the model counts them. @throws MsmaeError Data for targets that it does not know. */
  samplesFor(data: Dataset, samples: readonly Sample[], description: D, dataPath: string): Sample[];
  /** What the line of one image says of it; undefined where the outputs are not finite. */
  line(outputs: Outputs, slot: number, description: D): object | undefined;
  gather(description: D): Gatherer<R>;
  measure(result: R, description: D): M;
  /** The metrics that are told beside the file: without curves. */
  figures(metrics: M): object;
  validation(metrics: M): Validation;
  /** Columns of predictions.csv after the image's path, and the values of one image. */
  columns(description: D): string[];
  row(result: R, i: number, description: D): string[];
  /** The report's section of these metrics. */
  report(metrics: M, split: string): Partial<ReportInput>;
  /** What one image of the report is. */
  caption(result: R, i: number, description: D): string;
  /** [n] a number for each image: those in the report are of as many different ones as there are. */
  strata(result: R): ArrayLike<number>;
}
