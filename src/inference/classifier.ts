import type { RunHooks } from "../events.ts";
import type { ClassifierDescription } from "../interop/model-file.ts";
import { classificationGraph, likeliest, softmaxRows } from "./classify.ts";
import { type FileFailure, readFiles } from "./read-files.ts";
import { runBatches } from "./run-batches.ts";
import { type ModelSession, openModel, type SessionOptions } from "./session.ts";

/** What a classifier says of one file. */
export interface Prediction {
  path: string;
  /** The name of the most probable class. */
  class: string;
  /** By class name, summing to 1. */
  probabilities: Record<string, number>;
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
    { batchSize = 16, ...hooks }: RunHooks & { batchSize?: number } = {},
  ): AsyncGenerator<Prediction | FileFailure, void, void> {
    const { config, classNames } = this.description;
    const size = Math.min(batchSize, files.length);
    const graph = classificationGraph(config, size);
    const batches = readFiles(files, { config, batchSize: size });
    hooks.onEvent?.({ type: "phase", name: "prediction", total: files.length });
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
        yield prediction(file.path, row, classNames);
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

function prediction(path: string, row: Float64Array, classNames: readonly string[]): Prediction | FileFailure {
  if (!row.every(Number.isFinite)) {
    const message = `${path}: expected finite outputs of the model, got others; the checkpoint holds damaged weights`;
    return { path, error: { code: "Checkpoint", message } };
  }
  const probabilities = Object.fromEntries(classNames.map((name, k): [string, number] => [name, row[k] as number]));
  return { path, class: classNames[likeliest(row)] as string, probabilities };
}
