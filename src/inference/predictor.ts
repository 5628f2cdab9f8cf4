import type { AlphaRule, SliceAxis } from "../formats/source-image.ts";
import type { ModelDescription, SegmenterDescription } from "../interop/model-file.ts";
import { classifierKind } from "../method/kinds/classifier.ts";
import { networkKinds } from "../method/kinds/networks.ts";
import { segmenterKind } from "../method/kinds/segmenter.ts";
import { MsmaeError } from "../support/errors.ts";
import type { RunHooks } from "../support/events.ts";
import { listPictures } from "./list-pictures.ts";
import type { ClassPrediction } from "./outcomes/classes.ts";
import type { MaskPrediction } from "./outcomes/masks.ts";
import { kindsWithOutcome, outcomeOf } from "./outcomes/registry.ts";
import { type FileFailure, nameOf } from "./read-files.ts";
import { sayOfFiles } from "./say-of-files.ts";
import { type ModelSession, openModel, readingOf, type SessionOptions } from "./session.ts";

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
  /** Of a segmenter: cut larger images into windows that have this share of their sides in common. Default: resize them. */
  windowOverlap?: number | undefined;
  /** Of a segmenter of one class: from which probability on a pixel is inside. Default 0.5. */
  threshold?: number | undefined;
  /** Of a classifier: share of the patches that all but the first blocks run on, in (0, 1]. Default: all of them. */
  keepRatio?: number | undefined;
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
    {
      batchSize = 16,
      slices = "all",
      window,
      sliceAxis,
      alpha,
      windowOverlap,
      threshold,
      keepRatio,
      ...hooks
    }: PredictHooks = {},
  ): AsyncGenerator<Prediction<L> | FileFailure, void, void> {
    const { kind, description } = this.#model;
    const outcome = outcomeOf(kind, { windowOverlap, threshold }, description.target);
    const reading = readingOf(description, { window, sliceAxis, alpha });
    const pictures = await listPictures(files, { slices, sliceAxis: reading.sliceAxis });
    for await (const said of sayOfFiles(this.#model, outcome, pictures, { batchSize, reading, keepRatio }, hooks)) {
      // What an outcome says is what its kind of model was asked for.
      yield ("error" in said ? said : { ...nameOf(said.file), ...said.line }) as Prediction<L> | FileFailure;
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

/** A trained segmenter that stays loaded between calls: it gives masks as arrays. */
export type Segmenter = Predictor<MaskPrediction, SegmenterDescription>;

/**
 * Loads a segmenter written by `segment`.
 *
 * @throws MsmaeError Checkpoint when the file cannot be used; Device when the engine cannot start.
 */
export async function loadSegmenter(
  checkpoint: string,
  options: Partial<SessionOptions> = {},
  hooks: RunHooks = {},
): Promise<Segmenter> {
  return new Predictor(await openModel(checkpoint, [segmenterKind], { ...defaults, ...options }, hooks));
}

/** A trained classifier that stays loaded between calls. */
export type Classifier = Predictor<ClassPrediction>;

/**
 * Loads a classifier written by `finetune`, a vision transformer or another network.
 *
 * @throws MsmaeError Checkpoint when the file cannot be used; Device when the engine cannot start.
 */
export async function loadClassifier(
  checkpoint: string,
  options: Partial<SessionOptions> = {},
  hooks: RunHooks = {},
): Promise<Classifier> {
  const model = await openModel(checkpoint, [classifierKind, ...networkKinds], { ...defaults, ...options }, hooks);
  if (model.description.target === undefined) return new Predictor(model);
  await model.close();
  const parts = { where: checkpoint, expected: "a model of classes", got: `one of ${model.description.target.kind}` };
  throw new MsmaeError("Checkpoint", { ...parts, todo: "load it with loadPredictor" });
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
