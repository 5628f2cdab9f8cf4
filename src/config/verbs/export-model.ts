import { z } from "zod";
import { overwriteField, runtimeFields } from "../common.ts";
import { field } from "../fields.ts";
import { checkpoint } from "../model-fields.ts";
import { type InputOf, type OptionsOf, verbOptions } from "../verb.ts";

/** Options of `export`: a model for other programs. */
export const exportModel = verbOptions({
  name: "export",
  schema: z.strictObject({
    checkpoint,
    output: field(z.string().min(1), "File to write.", { positional: true, placeholder: "out" }),
    format: field(z.enum(["onnx"]).default("onnx"), "Format of the file."),
    preprocess: field(
      z.boolean().default(false),
      "Take the pixels of files, of any size, and resize and normalise them within the model.",
    ),
    attention: field(z.boolean().default(false), "Also give the cls token's attention to every patch."),
    features: field(
      z.enum(["cls", "mean"]).optional(),
      "Give what the encoder makes of an image, not what its head tells: the cls token after the final norm, or the mean of the patch tokens.",
      { defaultText: "what the head tells; without a head, cls" },
    ),
    overwrite: overwriteField,
    ...runtimeFields,
  }),
});

export type ExportInput = InputOf<typeof exportModel>;
export type ExportOptions = OptionsOf<typeof exportModel>;
