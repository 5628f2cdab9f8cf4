import { z } from "zod";
import { dataFields, loadingFields, overwriteField, readingFields, runtimeFields, tableFields } from "../common.ts";
import { dataPath } from "../data-fields.ts";
import { field, infoOf } from "../fields.ts";
import { checkOneTarget, valueFields } from "../target-fields.ts";
import { type InputOf, type OptionsOf, verbOptions } from "../verb.ts";

/** Options of `data check`: what a reviewer would look for before any training. */
export const dataCheck = verbOptions({
  name: "data check",
  schema: z.strictObject({
    dataPath,
    strict: field(
      z.boolean().default(false),
      "End with exit code 3 where images, patients or lesions stand in two splits.",
    ),
    fix: field(
      z.string().min(1).optional(),
      "CSV file to write a split without leaks to, for --split-file or as a data set of its own; images stay as they are.",
      { placeholder: "file", defaultText: "none written" },
    ),
    fixKeep: field(
      z.enum(["test", "train"]).default("test"),
      "Which copy --fix keeps: test keeps the published test set whole, train keeps everything that can be learned from.",
    ),
    outputDir: field(z.string().min(1).optional(), "Folder for report.html and check.json.", {
      placeholder: "dir",
      defaultText: "none written",
    }),
    overwrite: overwriteField,
    splitFile: dataFields.splitFile,
    fold: dataFields.fold,
    ...tableFields,
    ...valueFields,
    ...readingFields,
    workers: field(z.int().min(0).max(64).optional(), infoOf(loadingFields.workers).description, {
      defaultText: "one per core",
    }),
    ...runtimeFields,
  }),
  checks: [checkOneTarget],
});

export type DataCheckInput = InputOf<typeof dataCheck>;
export type DataCheckOptions = OptionsOf<typeof dataCheck>;
