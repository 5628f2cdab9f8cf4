import { type PredictInput, type PredictOptions, resolveOptions, verbs } from "../config/index.ts";
import type { RunHooks } from "../support/events.ts";
import { loadClassifier, type Prediction } from "./classifier.ts";
import type { FileFailure } from "./read-files.ts";

/**
 * Classes of image files, a line for each in the files' order. A file that cannot be read has a line with its error.
 *
 * @throws MsmaeError Checkpoint when the checkpoint cannot be used; Device when the engine fails; the signal's reason.
 */
export async function* predict(
  input: PredictInput | PredictOptions,
  hooks: RunHooks = {},
): AsyncGenerator<Prediction | FileFailure, void, void> {
  const { checkpoint, files, batchSize, slices, window, sliceAxis, alpha, ...options } = resolveOptions(
    verbs.predict,
    input,
  );
  const classifier = await loadClassifier(checkpoint, options, hooks);
  try {
    yield* classifier.predict(files, { ...hooks, batchSize, slices, window, sliceAxis, alpha });
  } finally {
    await classifier.close();
  }
}
