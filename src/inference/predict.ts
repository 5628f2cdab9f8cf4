import type { PredictOptions } from "../config/index.ts";
import type { RunHooks } from "../training/events.ts";
import { classificationGraph, likeliest, softmaxRows } from "./classify.ts";
import { type FileFailure, readFiles } from "./read-files.ts";
import { runBatches } from "./run-batches.ts";
import { openModel } from "./session.ts";

/** What a classifier says of one file. */
export interface Prediction {
  path: string;
  /** The name of the most probable class. */
  class: string;
  /** By class name, summing to 1. */
  probabilities: Record<string, number>;
}

/**
 * Classes of image files, a line for each in the files' order. A file that cannot be read has a line with its error.
 *
 * @throws MsmaeError Checkpoint when the checkpoint cannot be used; Device when the engine fails; the signal's reason.
 */
export async function* predict(
  options: PredictOptions,
  hooks: RunHooks = {},
): AsyncGenerator<Prediction | FileFailure, void, void> {
  const { checkpoint, files } = options;
  const model = await openModel(checkpoint, "classifier", options, hooks);
  try {
    const { config, classNames } = model.description;
    const batchSize = Math.min(options.batchSize, files.length);
    const graph = classificationGraph(config, batchSize);
    const batches = readFiles(files, { config, batchSize });
    hooks.onEvent?.({ type: "phase", name: "prediction", total: files.length });
    let done = 0;
    for await (const { batch, outputs } of runBatches({ ...model, graph, batches, batchSize, signal: hooks.signal })) {
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
  } finally {
    await model.close();
  }
}

function prediction(path: string, row: Float64Array, classNames: readonly string[]): Prediction | FileFailure {
  if (!row.every(Number.isFinite)) {
    const message = `${path}: expected finite outputs of the model, got others; the checkpoint holds damaged weights`;
    return { path, error: { code: "Checkpoint", message } };
  }
  const probabilities = Object.fromEntries(classNames.map((name, k): [string, number] => [name, row[k] as number]));
  return { path, class: classNames[likeliest(row)] as string, probabilities };
}
