import { z } from "zod";
import { checkRatios } from "../checks.ts";
import { overwriteField, runtimeFields, startFields } from "../common.ts";
import { field } from "../fields.ts";
import { maskingFields } from "../masking.ts";
import { checkpoint, drawingsDir, files, modelReading } from "../model-fields.ts";
import { type InputOf, type OptionsOf, verbOptions } from "../verb.ts";

/** Options of `reconstruct`: what the decoder makes of the hidden patches. */
export const reconstruct = verbOptions({
  name: "reconstruct",
  schema: z.strictObject({
    checkpoint,
    files,
    outputDir: drawingsDir,
    overwrite: overwriteField,
    masking: field(
      z.enum(["attention", "random"]).default("attention"),
      "How patches are chosen: by the image's attention map, or evenly at random with none thrown.",
    ),
    maskRatio: maskingFields.maskRatio,
    throwRatio: maskingFields.throwRatio,
    randomMaskRatio: field(z.number().gt(0).lt(1).default(0.75), "Share of all patches masked under random masking."),
    batchSize: field(z.int().min(1).default(16), "Images per batch."),
    allowPartial: startFields.allowPartial,
    ...modelReading,
    ...runtimeFields,
  }),
  checks: [checkRatios(true)],
});

export type ReconstructInput = InputOf<typeof reconstruct>;
export type ReconstructOptions = OptionsOf<typeof reconstruct>;
