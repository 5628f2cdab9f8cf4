import type { Dataset, Sample, ValueColumns } from "../../data/dataset.ts";
import type { Batch, EpochOptions } from "../../data/loader/loader.ts";
import type { OriginalPixels } from "../../data/loader/sample-reader.ts";
import type { TargetOptions } from "../../data/targets/target.ts";
import type { ModelDescription } from "../../interop/model-file.ts";
import type { ReportInput } from "../../results/report/index.ts";
import type { RgbImage } from "../../results/visual/index.ts";
import type { OriginalBatch, Told } from "../run-images.ts";

/** What models of the package's own tell of an image. */
export type Tells = "classes" | "findings" | "number" | "masks";

/** What a model said of a set of images, in the order of its batches. */
export interface Gathered {
  /** [n] the batches' indices. */
  indices: Uint32Array;
  /** [n] */
  paths: readonly string[];
}

/** Images and what they are to be, in the order of a loader. */
export type TruthBatch = OriginalBatch & Pick<Batch, "target" | "paths" | "groups">;

/** Takes what a model says of a set of images, batch by batch. */
export interface Gatherer<R extends Gathered> {
  /** @param told [B] */
  add(batch: TruthBatch, told: readonly Told[]): void;
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
 * model, `L` what it says of one image.
 */
export interface Outcome<
  R extends Gathered = Gathered,
  M extends object = object,
  D extends object = ModelDescription,
  L extends object = object,
> {
  /** What it tells, for those who set it beside others; absent for what only its maker knows. */
  readonly tells?: Tells;
  /** What the loader gives to compare with. */
  readonly target: TargetOptions;
  /** What it must know of images as their files have them, beside what the model is fed. */
  readonly originals?: EpochOptions["originals"];
  /** As {@link ImageRun.windowOverlap}. */
  readonly windowOverlap?: number | undefined;
  /** The columns of a table in which the targets stand; absent where they are no values. */
  values?(description: D): ValueColumns;
  /** Samples with their targets as the model counts them. @throws MsmaeError Data for targets that it does not know. */
  samplesFor(data: Dataset, samples: readonly Sample[], description: D, dataPath: string): Sample[];
  /** What the line of one image says of it; undefined where the outputs are not finite. */
  line(told: Told, description: D, image: OriginalPixels): L | undefined;
  gather(description: D): Gatherer<R>;
  measure(result: R, description: D): M;
  /** The metrics that are told beside the file: without curves. */
  figures(metrics: M): object;
  validation(metrics: M): Validation;
  /** Columns of predictions.csv after the image's path, and the values of one image. */
  columns(description: D): string[];
  row(result: R, i: number, description: D): string[];
  /** The report's section of these metrics, with the pictures of {@link draw}. */
  report(metrics: M, split: string, cases: readonly Case[], result: R, description: D): Partial<ReportInput>;
  /** Up to `count` images for the report, in its order. */
  examples(result: R, count: number, seed: number): number[];
  /** What one image of the report is. */
  caption(result: R, i: number, description: D): string;
  /** What was said of an image, drawn on it beside the truth; absent where there is nothing to draw. */
  draw?(told: Told, image: OriginalPixels, description: D): RgbImage;
}

/** An image of the report. */
export interface Case {
  caption: string;
  image: RgbImage;
}
