import { type PredictInput, type PredictOptions, resolveOptions, verbs } from "../config/index.ts";
import { segmenterKind } from "../method/kinds/segmenter.ts";
import { MsmaeError } from "../support/errors.ts";
import type { RunHooks } from "../support/events.ts";
import { OutputFolder } from "../support/files/output-folder.ts";
import { listPictures } from "./list-pictures.ts";
import { MASK_FILES, MaskFiles, type MaskLine } from "./mask-files.ts";
import type { ClassPrediction } from "./outcomes/classes.ts";
import { masks } from "./outcomes/masks.ts";
import { kindsWithOutcome, outcomeOf } from "./outcomes/registry.ts";
import { drawings } from "./output-names.ts";
import { byFile } from "./predictions-by-file.ts";
import { type Prediction, Predictor } from "./predictor.ts";
import type { FileFailure } from "./read-files.ts";
import { sayOfFiles } from "./say-of-files.ts";
import { type ModelSession, openModel, readingOf } from "./session.ts";

/** Longest side of an overlay, in pixels. */
const PICTURE_SIDE = 1024;

/**
 * What a model says of image files, a line for each in the files' order: of a classifier their classes; of a segmenter the
 * areas it outlines, whose masks it writes. A file that cannot be read has a line with its error. Which kind of model it is,
 * and so what the lines `L` are ({@link ClassPrediction}, {@link MaskLine}, with `byFile` {@link FilePrediction}), is for the caller to know.
 *
 * @throws MsmaeError Checkpoint when the checkpoint cannot be used; Config where options do not belong to its kind; Data
 * when the output folder holds masks, is in use or cannot be written; Device when the engine fails; the signal's reason.
 */
export async function* predict<L extends object = ClassPrediction>(
  input: PredictInput | PredictOptions,
  hooks: RunHooks = {},
): AsyncGenerator<Prediction<L> | FileFailure, void, void> {
  const options = resolveOptions(verbs.predict, input);
  const model = await openModel(options.checkpoint, kindsWithOutcome(), options, hooks);
  await using predictor = new Predictor(model);
  const ofClasses = outcomeOf(model.kind, {}, model.description.target).target.kind === "class";
  if (options.byFile !== undefined && !ofClasses) {
    const { title } = model.kind;
    const [expected, got] = ["a classifier's checkpoint, of one class or grade for each image", title];
    throw new MsmaeError("Config", { where: "--by-file", expected, got, todo: "leave it out" });
  }
  if (model.kind === segmenterKind) {
    yield* writeMasks(model, options, hooks) as AsyncGenerator<Prediction<L> | FileFailure, void, void>;
    return;
  }
  if (options.outputDir !== undefined) {
    const got = model.kind.title;
    const todo = "leave out --output-dir: what it says stands in its lines";
    throw new MsmaeError("Config", { where: "--output-dir", expected: "a segmenter's checkpoint", got, todo });
  }
  const told = predictor.predict(options.files, { ...options, ...hooks });
  const { byFile: aggregation } = options;
  const lines =
    aggregation === undefined
      ? told
      : byFile(told as AsyncGenerator<Prediction | FileFailure>, aggregation, model.description);
  yield* lines as AsyncGenerator<Prediction<L> | FileFailure, void, void>;
}

async function* writeMasks(
  model: ModelSession,
  options: PredictOptions,
  hooks: RunHooks,
): AsyncGenerator<MaskLine | FileFailure, void, void> {
  const { outputDir, overwrite, batchSize, slices, windowOverlap, threshold, keepRatio } = options;
  if (outputDir === undefined) {
    const expected = "a folder for the masks, since the checkpoint is a segmenter's";
    throw new MsmaeError("Config", { where: "--output-dir", expected, got: "nothing", todo: "give --output-dir DIR" });
  }
  const kind = drawings("masks", MASK_FILES, options.files);
  await using folder = await OutputFolder.claim(outputDir, {
    ...{ verb: "predict", kind, overwrite, onEvent: hooks.onEvent },
  });
  const reading = readingOf(model.description, options);
  const axis = reading.sliceAxis;
  const pictures = await listPictures(options.files, { slices, sliceAxis: axis });
  const files = await MaskFiles.create(folder, pictures, { classes: model.description.classNames.length, axis, hooks });
  const outcome = masks({ windowOverlap, threshold });
  const how = { batchSize, reading, pictureSide: PICTURE_SIDE, keepRatio };
  for await (const said of sayOfFiles(model, outcome, pictures, how, hooks)) {
    if ("error" in said) yield* files.fail(said);
    else yield* files.add(said.file, said.line);
  }
  yield* files.end();
}
