import type { EvalOptions } from "../../config/index.ts";
import type { Dataset, Sample } from "../../data/dataset.ts";
import {
  calibrationLines,
  classificationIntervals,
  operatingPoints,
  parseOperatingRule,
} from "../../results/metrics/index.ts";
import type { ClinicalFigures } from "../../results/report/index.ts";
import type { RunHooks } from "../../support/events.ts";
import { assessModel } from "../assess-model.ts";
import type { Classification } from "../outcomes/classes.ts";
import type { Outcome } from "../outcomes/outcome.ts";
import type { ModelSession } from "../session.ts";
import { whereItLooks } from "./localisation.ts";
import { temperatureTold } from "./temperature.ts";

/**
 * What a clinical reader asks of a classifier beside its figures: their 95 % intervals, patients drawn anew; lines of
 * calibration; temperature; and what it does at thresholds that were chosen on the validation images.
 *
 * @throws MsmaeError as `assessModel` does, for the validation images.
 */
export async function clinicalFigures(
  { model, outcome }: { model: ModelSession; outcome: Outcome },
  result: Classification,
  samples: readonly Sample[],
  data: Dataset,
  options: EvalOptions,
  hooks: RunHooks,
): Promise<ClinicalFigures> {
  const { classNames, seed } = model.description;
  const { probabilities, labels, groups } = result;
  const input = { probabilities, labels, groups, classNames, seed };
  const { figures: intervals, perClass, resampling } = classificationIntervals(input);
  const calibrationOfClasses = calibrationLines(input).perClass;
  const localisation = await whereItLooks(model, samples, options, hooks);
  const figures = {
    intervals,
    intervalsPerClass: perClass,
    resampling,
    calibrationLines: calibrationOfClasses,
    ...(localisation && { localisation }),
  };
  const withTemperature = (on: Classification | undefined): Pick<ClinicalFigures, "temperature"> => {
    const temperature = temperatureTold(model.description, result, on);
    return temperature ? { temperature } : {};
  };
  const validation = data.splits.val;
  if (options.split !== "test" || validation.length === 0) {
    const message = "no operating point: it is chosen on validation images and measured on test images";
    hooks.onEvent?.({ type: "warning", message });
    return { ...figures, ...withTemperature(undefined) };
  }
  const chosenFrom = outcome.samplesFor(data, validation, model.description, options.dataPath);
  const reading = { ...options, split: "val", name: "validation" } as const;
  const chosenOn = (await assessModel(model, outcome, chosenFrom, reading, hooks)).result as Classification;
  const rules = [parseOperatingRule(options.operatingPoint)];
  return {
    ...figures,
    ...withTemperature(chosenOn),
    operatingPoint: operatingPoints({ ...input, chosenOn, appliedTo: result, rules }),
  };
}
