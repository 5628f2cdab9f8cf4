import { type EvalInput, type EvalOptions, resolveOptions, verbs } from "../config/index.ts";
import type { ModelDescription } from "../interop/model-file.ts";
import type { ModelKind } from "../method/kinds/kind.ts";
import type { ClinicalFigures } from "../results/report/index.ts";
import { MsmaeError } from "../support/errors.ts";
import type { RunHooks } from "../support/events.ts";
import { OutputFolder } from "../support/files/output-folder.ts";
import { assessModel } from "./assess-model.ts";
import { clinicalFigures } from "./clinical/clinical-figures.ts";
import { errorExamples } from "./clinical/confident-errors.ts";
import { patientTable } from "./clinical/patients.ts";
import { subgroupColumns } from "./clinical/subgroup-columns.ts";
import { findingsWithIntervals, numberWithIntervals, refuseClassOptions } from "./clinical/value-figures.ts";
import { openEvaluationData } from "./evaluation-data.ts";
import { evaluationFiles, writeEvaluation } from "./evaluation-files.ts";
import type { EvaluationRecord } from "./evaluation-record.ts";
import { type ClassificationFigures, isClassification } from "./outcomes/classes.ts";
import type { GatheredFindings } from "./outcomes/findings.ts";
import type { GatheredNumbers } from "./outcomes/number.ts";
import type { Gathered, Outcome } from "./outcomes/outcome.ts";
import { kindsWithOutcome, outcomeOf } from "./outcomes/registry.ts";
import { noBudget, openModel } from "./session.ts";

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
 * A model's metrics on one split of a data set, with all patches: a classifier's figures, a segmenter's on the pixels of the
 * images themselves, or those that an outcome of the caller's own tells of its kind of model.
 *
 * Splits that do not stand on disk are drawn with the seed and the shares that the checkpoint was trained with: another
 * draw would evaluate on training images.
 *
 * @throws MsmaeError Checkpoint when the checkpoint cannot be used; Data when the data set cannot, or has classes that
 * the model does not know, or the output folder holds other figures or is in use; Device when the engine fails; the signal's reason.
 * Source: method.md section 5.
 */
export async function evaluate<F extends object = ClassificationFigures>(
  input: EvalInput | EvalOptions,
  hooks: RunHooks = {},
): Promise<Evaluation<F>> {
  const options = resolveOptions(verbs.evaluate, input);
  const { checkpoint, split, outputDir, overwrite, dataPath } = options;
  const claim = { verb: "eval", kind: evaluationFiles, overwrite, onEvent: hooks.onEvent };
  await using folder = outputDir === undefined ? undefined : await OutputFolder.claim(outputDir, claim);
  const model = await openModel(checkpoint, kindsWithOutcome(), options, hooks);
  try {
    const { description, kind } = model;
    const { windowOverlap, threshold, emptyMasks, surface, tolerance } = options;
    const outcome = outcomeOf(kind, { windowOverlap, threshold, emptyMasks, surface, tolerance }, description.target);
    const data = await openEvaluationData(options, description, hooks, {
      oneClass: outcome.target.kind === "mask",
      values: outcome.values?.(description),
    });
    const subgroups = await subgroupColumns(data, options);
    if (options.report) checkReported(outcome, kind, options);
    if (options.budgetCurve && !kind.budgeted) throw noBudget("--budget-curve", kind);
    const samples = outcome.samplesFor(data, data.splits[split], description, dataPath);
    const { result, unreadable } = await assessModel(model, outcome, samples, options, hooks);
    const classification = options.report && isClassification(result) ? result : undefined;
    const clinical: Partial<ClinicalFigures> = classification
      ? await clinicalFigures({ model, outcome, subgroups }, classification, samples, data, options, hooks)
      : {};
    const reported = options.report ? { ...clinical, ...valueFigures(outcome, result, description) } : {};
    const metrics = { ...outcome.measure(result, description), ...reported };
    const evaluation = { ...outcome.figures(metrics), split, unreadable: unreadable.length };
    const record: EvaluationRecord = { model, outcome, samples, result, metrics, unreadable, options, root: data.root };
    if (folder && classification) {
      if (clinical.patients) record.patients = patientTable(classification, clinical.patients, description, record);
      record.further = { errors: await errorExamples({ ...record, result: classification }, options, hooks) };
    }
    const paths = folder && (await writeEvaluation(folder, record, hooks));
    // Which kind it is, and so which figures, is for the caller to know.
    return { ...evaluation, ...paths } as Evaluation<F>;
  } finally {
    await model.close();
  }
}

/** What is reported of findings and numbers beside their figures; nothing of what else is told. */
function valueFigures({ tells }: Outcome, result: Gathered, description: ModelDescription): object {
  // Their outcomes gather these.
  if (tells === "findings") return findingsWithIntervals(result as GatheredFindings, description);
  return tells === "number" ? numberWithIntervals(result as GatheredNumbers, description) : {};
}

/** @throws MsmaeError Config where there is nothing to report, or not what was asked for. */
function checkReported({ tells, target }: Outcome, kind: ModelKind, options: EvalOptions): void {
  const isOfValues = tells === "findings" || tells === "number";
  if (isOfValues) refuseClassOptions(options);
  if (isOfValues || target.kind === "class") return;
  throw new MsmaeError("Config", {
    where: "--report",
    expected: "a checkpoint of classes, grades, findings or a number",
    got: kind.title,
    todo: "leave it out: what there is of intervals is told without it",
  });
}
