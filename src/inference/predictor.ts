import type { AlphaRule, SliceAxis } from "../formats/source-image.ts";
import type { ClassifierDescription, ModelDescription } from "../interop/model-file.ts";
import { classifierKind } from "../method/kinds/classifier.ts";
import type { RunHooks } from "../support/events.ts";
import { listPictures } from "./list-pictures.ts";
import type { ClassPrediction } from "./outcomes/classes.ts";
import { kindsWithOutcome, outcomeOf } from "./outcomes/registry.ts";
import { type FileFailure, nameOf, readFiles } from "./read-files.ts";
import { forBatchSize, runBatches } from "./run-batches.ts";
import { forwardOf, type ModelSession, openModel, readingOf, type SessionOptions } from "./session.ts";

/** What a model says of one file: of a classifier, its class. */
export type Prediction<L extends object = ClassPrediction> = L & {
  path: string;
  /** Frame, page or slice of a file that holds several. */
  slice?: number;
};

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

/**
 * A trained model that stays loaded between calls, its graphs running in a thread of their own. `L` is what it says of
 * an image, `D` what its checkpoint says of itself.
 */
export class Predictor<L extends object = Record<string, unknown>, D extends ModelDescription = ModelDescription>
  implements AsyncDisposable
{
  readonly #model: ModelSession<D>;

  constructor(model: ModelSession<D>) {
    this.#model = model;
  }

  /** What the checkpoint says of itself: model, classes, input size, mean and standard deviation. */
  get description(): D {
    return this.#model.description;
  }

  /**
   * What the model says of image files, a line for each in the files' order. A file that cannot be read has a line with
   * its error.
   *
   * @throws MsmaeError Device when the engine fails; the signal's reason.
   */
  async *predict(
    files: readonly string[],
    { batchSize = 16, slices = "all", window, sliceAxis, alpha, ...hooks }: PredictHooks = {},
  ): AsyncGenerator<Prediction<L> | FileFailure, void, void> {
    const { kind, description } = this.#model;
    const { config } = description;
    const outcome = outcomeOf(kind);
    const reading = readingOf(description, { window, sliceAxis, alpha });
    const pictures = await listPictures(files, { slices, sliceAxis: reading.sliceAxis });
    const size = Math.min(batchSize, pictures.length);
    const run = {
      ...this.#model,
      graph: forBatchSize(forwardOf(kind, config, size), size),
      batches: readFiles(pictures, { config, batchSize: size, reading }),
      batchSize: size,
      signal: hooks.signal,
    };
    hooks.onEvent?.({ type: "phase", name: "prediction", total: pictures.length });
    let done = 0;
    for await (const { batch, outputs } of runBatches(run)) {
      for (const file of batch.files) {
        if ("error" in file) {
          yield file;
          continue;
        }
        const line = outcome.line(outputs, file.slot, description);
        // What an outcome says is what its kind of model was asked for.
        yield { ...nameOf(file), ...(line ?? notFinite(file.path)) } as Prediction<L> | FileFailure;
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

/** A trained classifier that stays loaded between calls. */
export type Classifier = Predictor<ClassPrediction, ClassifierDescription>;

/**
 * Loads a classifier written by `finetune`.
 *
 * @throws MsmaeError Checkpoint when the file cannot be used; Device when the engine cannot start.
 */
export async function loadClassifier(
  checkpoint: string,
  options: Partial<SessionOptions> = {},
  hooks: RunHooks = {},
): Promise<Classifier> {
  return new Predictor(await openModel(checkpoint, [classifierKind], { ...defaults, ...options }, hooks));
}

/**
 * Loads a model of any kind that can be asked about images.
 *
 * @throws MsmaeError Checkpoint when the file cannot be used; Device when the engine cannot start.
 */
export async function loadPredictor(
  checkpoint: string,
  options: Partial<SessionOptions> = {},
  hooks: RunHooks = {},
): Promise<Predictor> {
  return new Predictor(await openModel(checkpoint, kindsWithOutcome(), { ...defaults, ...options }, hooks));
}

const defaults: SessionOptions = { device: "cpu", threads: 0, allowPartial: false };

function notFinite(path: string): Pick<FileFailure, "error"> {
  const message = `${path}: expected finite outputs of the model, got others; the checkpoint holds damaged weights`;
  return { error: { code: "Checkpoint", message } };
}
