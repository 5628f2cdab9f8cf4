import { z } from "zod";
import {
  dataFields,
  imageFields,
  loadingFields,
  overwriteField,
  readingFields,
  runtimeFields,
  tableFields,
} from "../common.ts";
import { dataPath } from "../data-fields.ts";
import { field, infoOf } from "../fields.ts";
import { sizeSchema } from "../size.ts";
import { checkOneTarget, valueFields } from "../target-fields.ts";
import { type InputOf, type OptionsOf, verbOptions } from "../verb.ts";

/** Options of `data stats`: mean and standard deviation of a data set's pixels. */
export const dataStats = verbOptions({
  name: "data stats",
  schema: z.strictObject({
    dataPath,
    split: field(z.enum(["train", "val", "test"]).default("train"), "Which part of the data to measure."),
    output: field(
      z.string().min(1).optional(),
      "YAML file to write mean and std to; pretrain and finetune read it as --config.",
      { placeholder: "file", defaultText: "none written" },
    ),
    overwrite: overwriteField,
    splitFile: dataFields.splitFile,
    fold: dataFields.fold,
    group: dataFields.group,
    valSplit: dataFields.valSplit,
    ...tableFields,
    ...valueFields,
    inputSize: field(
      sizeSchema.default({ height: 224, width: 224 }),
      "Height and width in pixels to which images are resized before they are measured.",
      { defaultText: "224", expected: infoOf(imageFields.inputSize).expected as string, placeholder: "HxW" },
    ),
    inChans: imageFields.inChans,
    ...readingFields,
    workers: loadingFields.workers,
    strict: loadingFields.strict,
    ...runtimeFields,
  }),
  checks: [checkOneTarget],
});

export type DataStatsInput = InputOf<typeof dataStats>;
export type DataStatsOptions = OptionsOf<typeof dataStats>;
