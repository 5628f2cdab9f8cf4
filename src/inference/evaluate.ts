import { type EvalInput, type EvalOptions, resolveOptions, verbs } from "../config/index.ts";
import type { Sample } from "../data/dataset.ts";
import type { ModelDescription } from "../interop/model-file.ts";
import type { RunHooks } from "../support/events.ts";
import { OutputFolder } from "../support/files/output-folder.ts";
import { assess } from "./assess.ts";
import { openEvaluationData } from "./evaluation-data.ts";
import { evaluationFiles, writeEvaluation } from "./evaluation-files.ts";
import type { ClassificationFigures } from "./outcomes/classes.ts";
import type { Gathered, Outcome } from "./outcomes/outcome.ts";
import { kindsWithOutcome, outcomeOf } from "./outcomes/registry.ts";
import { forwardOf, type ModelSession, openModel, readingOf } from "./session.ts";

/** A model's figures on one split; the curves behind them stand in metrics.json. */
export type Evaluation<F extends object = ClassificationFigures> = F & {
  split: EvalOptions["split"];
  /** Images that could not be read, and count nowhere. */
  unreadable: number;
  /** Present when an output folder was given. */
  metricsPath?: string;
  reportPath?: string;
};

/**
 * A model's metrics on one split of a data set, with all patches and images resized whole: a classifier's figures, or
 * those that an outcome of the caller's own tells of its kind of model.
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
  const { checkpoint, split, outputDir, overwrite, dataPath } = options;
  const claim = { verb: "eval", kind: evaluationFiles, overwrite, onEvent: hooks.onEvent };
  await using folder = outputDir === undefined ? undefined : await OutputFolder.claim(outputDir, claim);
  const model = await openModel(checkpoint, kindsWithOutcome(), options, hooks);
  try {
    const { description, kind } = model;
    const outcome = outcomeOf(kind);
    const data = await openEvaluationData(options, description, hooks);
    const samples = outcome.samplesFor(data, data.splits[split], description, dataPath);
    const { result, unreadable } = await assessModel(model, outcome, samples, options, hooks);
    const metrics = outcome.measure(result, description);
    const evaluation = { ...outcome.figures(metrics), split, unreadable: unreadable.length };
    const record = { model, outcome, samples, result, metrics, unreadable, options, root: data.root };
    const paths = folder && (await writeEvaluation(folder, record, hooks));
    // Of our own kinds there is one with figures; who adds a kind knows those of its own.
    return { ...evaluation, ...paths } as Evaluation;
  } finally {
    await model.close();
  }
}

/** How to read and run the images of a split. */
type AssessOptions = Pick<EvalOptions, "workers" | "strict" | "batchSize" | "dataPath" | "split"> &
  Partial<Pick<EvalOptions, "window" | "sliceAxis" | "alpha">>;

/**
 * What a model says of samples whose targets are the model's, reporting a phase "evaluation".
 *
 * @throws MsmaeError Data when no image can be read, or one cannot under `strict`; Device; the signal's reason.
 */
export function assessModel<R extends Gathered, M extends object, D extends ModelDescription>(
  { engine, feeds, kind, description }: ModelSession<D>,
  outcome: Outcome<R, M, D>,
  samples: readonly Sample[],
  options: AssessOptions,
  hooks: RunHooks,
): Promise<{ result: R; unreadable: string[] }> {
  const { config } = description;
  const { workers, strict, dataPath, split } = options;
  const batchSize = Math.min(options.batchSize, samples.length);
  const { inputHeight, inputWidth, inChans } = config;
  const reading = readingOf(description, options);
  return assess({
    engine,
    feeds,
    graph: forwardOf(kind, config, batchSize),
    batchSize,
    samples,
    loading: { inputHeight, inputWidth, channels: inChans as 1 | 3, workers, strict, reading, target: outcome.target },
    gatherer: outcome.gather(description),
    name: "evaluation",
    split,
    dataPath,
    hooks,
  });
}
