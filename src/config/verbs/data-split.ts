import { z } from "zod";
import { dataFields, overwriteField, readingFields, runtimeFields, tableFields } from "../common.ts";
import { dataPath } from "../data-fields.ts";
import { field } from "../fields.ts";
import { checkOneTarget, valueFields } from "../target-fields.ts";
import { type InputOf, type OptionsOf, verbOptions } from "../verb.ts";

/** Options of `data split`: a CSV file that says which image is in which split. */
export const dataSplit = verbOptions({
  name: "data split",
  schema: z.strictObject({
    dataPath,
    output: field(z.string().min(1), "CSV file to write, or the folder for splits.csv.", { placeholder: "path" }),
    overwrite: overwriteField,
    by: field(
      z.enum(["group", "none"]).default("group"),
      "What is never split apart: group takes the patients or lesions that the data set names, none only the pictures of one file.",
    ),
    folds: field(
      z.int().min(2).max(1000).optional(),
      "Number of folds to make of everything that is not for testing, instead of train and val.",
      { defaultText: "none" },
    ),
    valSplit: field(
      dataFields.valSplit.unwrap().optional(),
      "Share of each class drawn for validation; not used with folds.",
      {
        defaultText: "0.1",
      },
    ),
    testSplit: field(
      z.number().min(0).max(0.9).optional(),
      "Share of each class drawn for testing where the data set names no test images.",
      { defaultText: "0.2, and 0 with folds" },
    ),
    ...tableFields,
    ...valueFields,
    strict: field(z.boolean().default(false), "Fail where a file has to be left out, instead of naming it."),
    sliceAxis: readingFields.sliceAxis,
    slices: readingFields.slices,
    ...runtimeFields,
  }),
  derived: ["valSplit", "testSplit"],
  complete(options) {
    options.valSplit ??= 0.1;
    options.testSplit ??= options.folds === undefined ? 0.2 : 0;
  },
  checks: [checkOneTarget],
});

export type DataSplitInput = InputOf<typeof dataSplit>;
export type DataSplitOptions = OptionsOf<typeof dataSplit>;
