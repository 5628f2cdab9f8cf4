import { z } from "zod";
import { dataFields, loadingFields, overwriteField, runtimeFields, startFields, tableFields } from "../common.ts";
import { field } from "../fields.ts";
import { maskMakingFields, maskMeasuringFields, modelReading, sharing, slicesAsTrained } from "../model-fields.ts";
import { type InputOf, type OptionsOf, verbOptions } from "../verb.ts";

/** Options of `compare`: two models or more on the same images of a data set. */
export const compare = verbOptions({
  name: "compare",
  schema: z.strictObject({
    checkpoints: field(
      z.array(z.string().min(1)).min(2),
      "Checkpoint files (safetensors) of models that tell the same.",
      {
        positional: true,
        placeholder: "checkpoint",
        expected: "two checkpoint files or more",
      },
    ),
    dataPath: dataFields.dataPath,
    split: field(z.enum(["test", "val", "train"]).default("test"), "Which part of the data to compare them on."),
    ...sharing,
    ...tableFields,
    outputDir: field(z.string().min(1).optional(), "Folder for metrics.json, predictions.csv and the report.", {
      placeholder: "dir",
      defaultText: "none written",
    }),
    overwrite: overwriteField,
    batchSize: field(z.int().min(1).default(64), "Images per batch."),
    ...maskMakingFields,
    ...maskMeasuringFields,
    allowPartial: startFields.allowPartial,
    ...modelReading,
    slices: slicesAsTrained,
    ...loadingFields,
    ...runtimeFields,
  }),
});

export type CompareInput = InputOf<typeof compare>;
export type CompareOptions = OptionsOf<typeof compare>;
