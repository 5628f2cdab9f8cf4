import { type PredictInput, type PredictOptions, resolveOptions, verbs } from "../config/index.ts";
import type { RunHooks } from "../support/events.ts";
import { loadPredictor, type Prediction } from "./predictor.ts";
import type { FileFailure } from "./read-files.ts";

/**
 * What a model says of image files, a line for each in the files' order: of a classifier their classes. A file that cannot
 * be read has a line with its error.
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
  await using predictor = await loadPredictor(checkpoint, options, hooks);
  const lines = predictor.predict(files, { ...hooks, batchSize, slices, window, sliceAxis, alpha });
  // Of our own kinds one says something; who adds a kind knows what it says.
  yield* lines as AsyncGenerator<Prediction | FileFailure, void, void>;
}
