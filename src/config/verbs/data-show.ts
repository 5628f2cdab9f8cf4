import { z } from "zod";
import { overwriteField, readingFields, runtimeFields } from "../common.ts";
import { field } from "../fields.ts";
import { type InputOf, type OptionsOf, verbOptions } from "../verb.ts";

/** Options of `data show`: one image file, step by step. */
export const dataShow = verbOptions({
  name: "data show",
  schema: z.strictObject({
    file: field(z.string().min(1), "Image file to look at.", { positional: true, placeholder: "file" }),
    array: field(
      z.string().min(1).optional(),
      "NumPy file to write the decoded array to: no rescale, no window; as pydicom's pixel_array or nibabel's dataobj.",
      { placeholder: "file", defaultText: "none written" },
    ),
    png: field(z.string().min(1).optional(), "PNG file to write the windowed 8-bit picture to.", {
      placeholder: "file",
      defaultText: "none written",
    }),
    overwrite: overwriteField,
    window: readingFields.window,
    sliceAxis: readingFields.sliceAxis,
    alpha: readingFields.alpha,
    slice: field(z.int().min(0).optional(), "Frame, page or slice to show, from 0.", {
      aliases: ["frame"],
      defaultText: "the middle slice of a volume, else the first",
    }),
    ...runtimeFields,
  }),
});

export type DataShowInput = InputOf<typeof dataShow>;
export type DataShowOptions = OptionsOf<typeof dataShow>;
