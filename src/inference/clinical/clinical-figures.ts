import type { EvalOptions } from "../../config/index.ts";
import type { Dataset, Sample } from "../../data/dataset.ts";
import {
  calibrationLines,
  classificationIntervals,
  curveBands,
  decisionCurves,
  operatingPoints,
  parseOperatingRule,
  reliabilityBins,
} from "../../results/metrics/index.ts";
import type { ClinicalFigures } from "../../results/report/index.ts";
import type { RunHooks } from "../../support/events.ts";
import { assessModel } from "../assess-model.ts";
import type { Classification } from "../outcomes/classes.ts";
import type { Outcome } from "../outcomes/outcome.ts";
import type { ModelSession } from "../session.ts";
import { budgetCurve } from "./budget-curve.ts";
import { whereItLooks } from "./localisation.ts";
import { patientFigures } from "./patients.ts";
import { type SubgroupColumns, subgroupsOf } from "./subgroup-columns.ts";
import { temperatureTold } from "./temperature.ts";

/** A classifier and what its outputs mean. */
interface Told {
  model: ModelSession;
  outcome: Outcome;
  /** By which its figures are told apart. */
  subgroups?: SubgroupColumns | undefined;
}

/**
 * What a clinical reader asks of a classifier beside its figures: their 95 % intervals, patients drawn anew; curves with
 * bands; calibration and temperature; and what it does at thresholds that were chosen on the validation images.
 *
 * @throws MsmaeError as `assessModel` does, for the validation images.
 */
export async function clinicalFigures(
  told: Told,
  result: Classification,
  samples: readonly Sample[],
  data: Dataset,
  options: EvalOptions,
  hooks: RunHooks,
): Promise<ClinicalFigures> {
  const { model, subgroups } = told;
  const { classNames, seed } = model.description;
  const { probabilities, labels, groups } = result;
  const input = { probabilities, labels, groups, classNames, seed };
  const { figures: intervals, perClass, resampling } = classificationIntervals(input);
  const validation = await validationOf(told, data, options, hooks);
  const temperature = temperatureTold(model.description, result, validation);
  const patients = patientFigures(result, validation, model.description, data, hooks);
  const localisation = await whereItLooks(model, samples, options, hooks);
  const rules = [parseOperatingRule(options.operatingPoint)];
  return {
    intervals,
    intervalsPerClass: perClass,
    resampling,
    calibrationLines: calibrationLines(input).perClass,
    curves: curveBands(input).perClass,
    decisionCurves: decisionCurves(input),
    reliability: reliabilityBins(input),
    ...(temperature && { temperature }),
    ...(validation && {
      operatingPoint: operatingPoints({ ...input, chosenOn: validation, appliedTo: result, rules }),
    }),
    ...(patients && { patients }),
    ...(subgroups && { subgroups: subgroupsOf(subgroups, samplesOf(result, samples), input) }),
    ...(localisation && { localisation }),
    ...(options.budgetCurve && { budgetCurve: await budgetCurve(told, result, samples, options, hooks) }),
  };
}

/** What the model says of the validation images, on which things are chosen for the test images; undefined for others. */
async function validationOf(
  { model, outcome }: Told,
  data: Dataset,
  options: EvalOptions,
  hooks: RunHooks,
): Promise<Classification | undefined> {
  const { val } = data.splits;
  if (options.split !== "test" || val.length === 0) {
    const message = "no operating point: it is chosen on validation images and measured on test images";
    hooks.onEvent?.({ type: "warning", message });
    return undefined;
  }
  const samples = outcome.samplesFor(data, val, model.description, options.dataPath);
  const reading = { ...options, split: "val", name: "validation" } as const;
  return (await assessModel(model, outcome, samples, reading, hooks)).result as Classification;
}

/** The images of a result, [n]. */
function samplesOf({ indices }: Classification, samples: readonly Sample[]): Sample[] {
  return Array.from(indices, (index) => samples[index] as Sample);
}
