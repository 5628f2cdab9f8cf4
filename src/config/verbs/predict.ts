import { z } from "zod";
import { isAggregation } from "../../results/metrics/index.ts";
import { overwriteField, runtimeFields, startFields } from "../common.ts";
import { field } from "../fields.ts";
import { budgetFields, checkpoint, files, maskMakingFields, modelReading } from "../model-fields.ts";
import { type InputOf, type OptionsOf, verbOptions } from "../verb.ts";

/** Options of `predict`: class and probabilities of single images, or their masks. */
export const predict = verbOptions({
  name: "predict",
  schema: z.strictObject({
    checkpoint,
    files,
    outputDir: field(z.string().min(1).optional(), "Of a segmenter: folder for masks and overlays.", {
      placeholder: "dir",
      defaultText: "none; a segmenter needs one",
    }),
    overwrite: overwriteField,
    byFile: field(
      z.string().refine(isAggregation).optional(),
      "Of a classifier: one line for each file that holds several pictures, such as the slices of a volume, whose probabilities are the mean of theirs, the largest (max), or the mean of the K largest (top-K).",
      { placeholder: "rule", expected: "mean, max or top-K as in top-3", defaultText: "a line for each picture" },
    ),
    batchSize: field(z.int().min(1).default(16), "Images per batch."),
    allowPartial: startFields.allowPartial,
    ...budgetFields,
    ...maskMakingFields,
    ...modelReading,
    ...runtimeFields,
  }),
});

export type PredictInput = InputOf<typeof predict>;
export type PredictOptions = OptionsOf<typeof predict>;
