import { z } from "zod";
import {
  dataFields,
  loadingFields,
  overwriteField,
  readingFields,
  runtimeFields,
  startFields,
  tableFields,
} from "../common.ts";
import { field, infoOf } from "../fields.ts";
import {
  asTrained,
  budgetFields,
  checkpoint,
  maskMakingFields,
  maskMeasuringFields,
  modelReading,
  sharing,
} from "../model-fields.ts";
import { type InputOf, type OptionsOf, verbOptions } from "../verb.ts";

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
    batchSize: field(z.int().min(1).default(64), "Images per batch."),
    ...budgetFields,
    ...maskMakingFields,
    ...maskMeasuringFields,
    allowPartial: startFields.allowPartial,
    ...modelReading,
    slices: field(readingFields.slices.unwrap().optional(), infoOf(readingFields.slices).description, {
      ...infoOf(readingFields.slices),
      ...asTrained,
    }),
    ...loadingFields,
    ...runtimeFields,
  }),
});

export type EvalInput = InputOf<typeof evaluate>;
export type EvalOptions = OptionsOf<typeof evaluate>;
