import { z } from "zod";
import { parseOperatingRule, parseSubgroups } from "../../results/metrics/index.ts";
import type { ErrorParts } from "../../support/errors.ts";
import {
  dataFields,
  loadingFields,
  overwriteField,
  readBy,
  runtimeFields,
  startFields,
  tableFields,
} from "../common.ts";
import { field } from "../fields.ts";
import {
  budgetFields,
  checkpoint,
  maskMakingFields,
  maskMeasuringFields,
  modelReading,
  sharing,
  slicesAsTrained,
} from "../model-fields.ts";
import { type InputOf, type OptionsOf, verbOptions } from "../verb.ts";

/** Subgroups are part of the report. */
function checkSubgroups({ subgroups, report }: { subgroups?: string[] | undefined; report: boolean }): ErrorParts[] {
  if (subgroups === undefined || report) return [];
  const [expected, got] = ["--report beside it", JSON.stringify(subgroups.join())];
  return [{ where: "subgroups", expected, got, todo: "add --report" }];
}

/** Options of `eval`: a model's metrics on one split of a data set. */
export const evaluate = verbOptions({
  name: "eval",
  schema: z.strictObject({
    checkpoint,
    dataPath: dataFields.dataPath,
    split: field(z.enum(["test", "val", "train"]).default("test"), "Which part of the data to evaluate."),
    ...sharing,
    ...tableFields,
    outputDir: field(z.string().min(1).optional(), "Folder for metrics.json and the report.", {
      placeholder: "dir",
      defaultText: "none written",
    }),
    overwrite: overwriteField,
    report: field(
      z.boolean().default(false),
      "Of classes, grades, findings or a number: also give every figure a 95 % interval with patients drawn anew; of classes and grades lines of calibration, and what it does at a threshold chosen on the validation images.",
    ),
    operatingPoint: field(
      z.string().min(1).refine(readBy(parseOperatingRule)).default("youden"),
      "With --report, of classes and grades: how that threshold is chosen: youden (sensitivity + specificity), sensitivity:SHARE or specificity:SHARE (at least that), or cost:FP,FN.",
      { placeholder: "rule", expected: "youden, sensitivity:0.9, specificity:0.9 or cost:1,5" },
    ),
    pretrained: field(
      z.string().min(1).optional(),
      "With --report and --output-dir: a pre-trained checkpoint, to show what it fills in where patches of the most confident errors are hidden.",
      { placeholder: "file", defaultText: "nothing is filled in" },
    ),
    subgroups: field(
      z.array(z.string().min(1)).min(1).refine(readBy<readonly string[]>(parseSubgroups)).optional(),
      "With --report: also give the figures by the values of these columns of the data set's CSV file; numbers in quartiles, or between cut points as in age:40,60.",
      {
        placeholder: "name,name",
        expected: "names of columns with commas between, as in sex,age:40,60",
        defaultText: "none",
      },
    ),
    budgetCurve: field(
      z.array(z.number().gt(0).max(1)).min(1).optional(),
      "With --report, of a vision transformer: shares of the patches, at each of which it is measured and timed too, one pass over the images each; all patches are always one of them.",
      { defaultText: "none", placeholder: "shares", expected: "shares above 0 and at most 1, such as 0.25,0.5,0.75" },
    ),
    batchSize: field(z.int().min(1).default(64), "Images per batch."),
    ...budgetFields,
    ...maskMakingFields,
    ...maskMeasuringFields,
    allowPartial: startFields.allowPartial,
    ...modelReading,
    slices: slicesAsTrained,
    ...loadingFields,
    ...runtimeFields,
  }),
  checks: [checkSubgroups, checkBudgetCurve],
});

/** What only a report shows costs a pass over the images, which nobody should pay for nothing. */
function checkBudgetCurve({
  report,
  budgetCurve,
}: {
  report?: boolean;
  budgetCurve?: readonly number[];
}): ErrorParts[] {
  if (report || budgetCurve === undefined) return [];
  const got = JSON.stringify(budgetCurve);
  return [{ where: "budgetCurve", expected: "--report beside it", got, todo: "add --report, or leave it out" }];
}

export type EvalInput = InputOf<typeof evaluate>;
export type EvalOptions = OptionsOf<typeof evaluate>;
