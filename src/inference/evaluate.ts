import { type EvalInput, type EvalOptions, resolveOptions, verbs } from "../config/index.ts";
import type { Dataset, Sample } from "../data/dataset.ts";
import { ImageLoader } from "../data/loader/loader.ts";
import { isSameName } from "../data/tables/spelling.ts";
import type { ClassifierDescription } from "../interop/model-file.ts";
import { type ClassificationMetrics, classificationMetrics } from "../results/metrics/index.ts";
import { MsmaeError } from "../support/errors.ts";
import type { RunHooks } from "../support/events.ts";
import { OutputFolder } from "../support/files/output-folder.ts";
import { type Classification, classificationGraph, classifySplit } from "./classify.ts";
import { openEvaluationData } from "./evaluation-data.ts";
import { evaluationFiles, writeEvaluation } from "./evaluation-files.ts";
import { type ModelSession, openModel, readingOf } from "./session.ts";

/** A classifier's figures on one split; the curves behind them stand in metrics.json. */
export interface Evaluation extends Omit<ClassificationMetrics, "roc" | "calibration" | "undefinedMetrics"> {
  split: EvalOptions["split"];
  /** Images that could not be read, and count nowhere. */
  unreadable: number;
  /** Present when an output folder was given. */
  metricsPath?: string;
  reportPath?: string;
}

/**
 * A classifier's metrics on one split of a data set, with all patches and images resized whole.
 *
 * Splits that do not stand on disk are drawn with the seed and the shares that the checkpoint was trained with: another
 * draw would evaluate on training images.
 *
 * @throws MsmaeError Checkpoint when the checkpoint cannot be used; Data when the data set cannot, or has classes that
 * the model does not know, or the output folder holds other figures or is in use; Device when the engine fails; the signal's reason.
 * Source: method.md section 5.
 */
export async function evaluate(input: EvalInput | EvalOptions, hooks: RunHooks = {}): Promise<Evaluation> {
  const options = resolveOptions(verbs.evaluate, input);
  const { checkpoint, split, outputDir, overwrite } = options;
  const claim = { verb: "eval", kind: evaluationFiles, overwrite, onEvent: hooks.onEvent };
  await using folder = outputDir === undefined ? undefined : await OutputFolder.claim(outputDir, claim);
  const model = await openModel(checkpoint, "classifier", options, hooks);
  try {
    const { description } = model;
    const data = await openEvaluationData(options, description, hooks);
    const samples = relabel(data, data.splits[split], description, options.dataPath);
    const { result, unreadable } = await classify(model, samples, options, hooks);
    const { classNames } = description;
    const metrics = classificationMetrics({ ...result, classNames });
    const { roc: _roc, calibration: _calibration, undefinedMetrics: _undefined, ...figures } = metrics;
    const evaluation = { ...figures, split, unreadable: unreadable.length };
    if (folder === undefined) return evaluation;
    const record = { model, samples, result, metrics, unreadable, options, root: data.root };
    const paths = await writeEvaluation(folder, record, hooks);
    return { ...evaluation, ...paths };
  } finally {
    await model.close();
  }
}

/**
 * Samples with the model's class indices, which may be in another order or more than the data set's. Equal numbers are
 * the same class however they are written.
 *
 * @throws MsmaeError Data when the data set has classes that the model does not know.
 */
export function relabel(
  { classNames }: Pick<Dataset, "classNames">,
  samples: readonly Sample[],
  description: Pick<ClassifierDescription, "classNames">,
  dataPath: string,
): Sample[] {
  const indexOf = (name: string) => {
    const exact = description.classNames.indexOf(name);
    // Data frames write 1 as 1.0 where a column has gaps.
    return exact >= 0 ? exact : description.classNames.findIndex((known) => isSameName(known, name));
  };
  const unknown = classNames.filter((name) => indexOf(name) < 0);
  if (unknown.length > 0) {
    throw new MsmaeError("Data", {
      where: `classes of ${dataPath}`,
      expected: `those the model knows (${description.classNames.join(", ")})`,
      got: unknown.join(", "),
      todo: "rename the class folders, or use the checkpoint that was trained on them",
    });
  }
  const indices = classNames.map(indexOf);
  return samples.map((sample) => ({ ...sample, label: indices[sample.label] as number }));
}

/** How to read and run the images of a split. */
type ClassifyOptions = Pick<EvalOptions, "workers" | "strict" | "seed" | "batchSize" | "dataPath" | "split"> &
  Partial<Pick<EvalOptions, "window" | "sliceAxis" | "alpha">>;

/**
 * Classifies samples whose labels are the model's, reporting a phase "evaluation".
 *
 * @throws MsmaeError Data when no image can be read, or one cannot under `strict`; Device; the signal's reason.
 */
export async function classify(
  model: ModelSession<ClassifierDescription>,
  samples: readonly Sample[],
  options: ClassifyOptions,
  { signal, onEvent }: RunHooks,
): Promise<{ result: Classification; unreadable: string[] }> {
  const { engine, feeds, description } = model;
  const { config } = description;
  const { workers, strict, seed } = options;
  const batchSize = Math.min(options.batchSize, samples.length);
  const loader = new ImageLoader(samples, {
    inputHeight: config.inputHeight,
    inputWidth: config.inputWidth,
    channels: config.inChans as 1 | 3,
    workers,
    // Each image is read once: there is nothing to keep.
    cacheMb: 0,
    strict,
    reading: readingOf(description, options),
    onWarning: (message) => onEvent?.({ type: "warning", message }),
  });
  try {
    onEvent?.({ type: "phase", name: "evaluation", total: samples.length });
    const order = { epoch: 0, seed, batchSize, augment: false, shuffle: false, dropLast: false };
    const batches = loader.epoch({ ...order, ...(signal && { signal }) });
    const onProgress = (done: number) => onEvent?.({ type: "phase-progress", done });
    const result = await classifySplit({ engine, config, feeds, batches, batchSize, onProgress, signal });
    // Unreadable images count nowhere else, but the phase is over.
    if (result.paths.length < samples.length) onProgress(samples.length);
    await engine.unload(classificationGraph(config, batchSize).name);
    if (result.paths.length > 0) return { result, unreadable: loader.stats().unreadable };
  } finally {
    await loader.close();
  }
  throw new MsmaeError("Data", {
    where: options.dataPath,
    expected: `at least one readable image in split "${options.split}"`,
    got: `none of ${samples.length}`,
    todo: "check the files and their permissions",
  });
}
