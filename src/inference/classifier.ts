import type { AlphaRule, SliceAxis } from "../formats/source-image.ts";
import type { ClassifierDescription } from "../interop/model-file.ts";
import type { RunHooks } from "../support/events.ts";
import { classificationGraph, likeliest, softmaxRows } from "./classify.ts";
import { listPictures } from "./list-pictures.ts";
import { type FileFailure, type FileImage, nameOf, readFiles } from "./read-files.ts";
import { runBatches } from "./run-batches.ts";
import { type ModelSession, openModel, readingOf, type SessionOptions } from "./session.ts";

/** What a classifier says of one file. */
export interface Prediction {
  path: string;
  /** Frame, page or slice of a file that holds several. */
  slice?: number;
  /** The name of the most probable class. */
  class: string;
  /** By class name, summing to 1. */
  probabilities: Record<string, number>;
}

/** How files are read and what is told meanwhile. */
export interface PredictHooks extends RunHooks {
  batchSize?: number | undefined;
  /** Which pictures are taken of files that hold several. Default `all`. */
  slices?: string | undefined;
  /** A window rule in place of the one that the model was trained with. */
  window?: string | undefined;
  sliceAxis?: SliceAxis | undefined;
  /** What becomes of transparency, in place of what the model was trained with. */
  alpha?: AlphaRule | undefined;
}

/** A trained classifier that stays loaded between calls, its graphs running in a thread of their own. */
export class Classifier {
  readonly #model: ModelSession<ClassifierDescription>;

  constructor(model: ModelSession<ClassifierDescription>) {
    this.#model = model;
  }

  /** What the checkpoint says of itself: model, classes, input size, mean and standard deviation. */
  get description(): ClassifierDescription {
    return this.#model.description;
  }

  /**
   * Classes of image files, a line for each in the files' order. A file that cannot be read has a line with its error.
   *
   * @throws MsmaeError Device when the engine fails; the signal's reason.
   */
  async *predict(
    files: readonly string[],
    { batchSize = 16, slices = "all", window, sliceAxis, alpha, ...hooks }: PredictHooks = {},
  ): AsyncGenerator<Prediction | FileFailure, void, void> {
    const { config, classNames } = this.description;
    const reading = readingOf(this.description, { window, sliceAxis, alpha });
    const pictures = await listPictures(files, { slices, axis: reading.axis });
    const size = Math.min(batchSize, pictures.length);
    const graph = classificationGraph(config, size);
    const batches = readFiles(pictures, { config, batchSize: size, reading });
    hooks.onEvent?.({ type: "phase", name: "prediction", total: pictures.length });
    let done = 0;
    for await (const { batch, outputs } of runBatches({
      ...this.#model,
      graph,
      batches,
      batchSize: size,
      signal: hooks.signal,
    })) {
      const probabilities = softmaxRows(outputs.logits ?? [], config.numClasses);
      for (const file of batch.files) {
        if ("error" in file) {
          yield file;
          continue;
        }
        const row = probabilities.subarray(file.slot * config.numClasses, (file.slot + 1) * config.numClasses);
        yield prediction(file, row, classNames);
      }
      done += batch.files.length;
      hooks.onEvent?.({ type: "phase-progress", done });
    }
  }

  /** Ends the engine's thread. */
  close(): Promise<void> {
    return this.#model.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/**
 * Loads a classifier written by `finetune`.
 *
 * @throws MsmaeError Checkpoint when the file cannot be used; Device when the engine cannot start.
 */
export async function loadClassifier(
  checkpoint: string,
  { device = "cpu", threads = 0, allowPartial = false }: Partial<SessionOptions> = {},
  hooks: RunHooks = {},
): Promise<Classifier> {
  return new Classifier(await openModel(checkpoint, "classifier", { device, threads, allowPartial }, hooks));
}

function prediction(file: FileImage, row: Float64Array, classNames: readonly string[]): Prediction | FileFailure {
  const name = nameOf(file);
  if (!row.every(Number.isFinite)) {
    const message = `${file.path}: expected finite outputs of the model, got others; the checkpoint holds damaged weights`;
    return { ...name, error: { code: "Checkpoint", message } };
  }
  const probabilities = Object.fromEntries(classNames.map((name, k): [string, number] => [name, row[k] as number]));
  return { ...name, class: classNames[likeliest(row)] as string, probabilities };
}
