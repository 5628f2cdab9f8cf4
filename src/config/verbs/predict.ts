import { z } from "zod";
import { runtimeFields, startFields } from "../common.ts";
import { field } from "../fields.ts";
import { checkpoint, files, modelReading } from "../model-fields.ts";
import { type InputOf, type OptionsOf, verbOptions } from "../verb.ts";

/** Options of `predict`: class and probabilities of single images. */
export const predict = verbOptions({
  name: "predict",
  schema: z.strictObject({
    checkpoint,
    files,
    batchSize: field(z.int().min(1).default(16), "Images per batch."),
    allowPartial: startFields.allowPartial,
    ...modelReading,
    ...runtimeFields,
  }),
});

export type PredictInput = InputOf<typeof predict>;
export type PredictOptions = OptionsOf<typeof predict>;
