import { z } from "zod";
import { dataFields, overwriteField, readingFields, runtimeFields, tableFields } from "../common.ts";
import { field } from "../fields.ts";
import { type InputOf, type OptionsOf, verbOptions } from "../verb.ts";

/** Names of the data sets that `msmae data prepare` knows. */
const PRESET_NAMES = [
  "messidor2",
  "btmd",
  "ham10000",
  "deeplesion",
  "chestxray2017",
  "busi",
  "kvasir-seg",
  "isic",
] as const;
export type PresetName = (typeof PRESET_NAMES)[number];

/** Options of `data prepare`: the official downloads of a published data set, made ready. */
export const dataPrepare = verbOptions({
  name: "data prepare",
  schema: z.strictObject({
    preset: field(z.enum(PRESET_NAMES), `Which data set: ${PRESET_NAMES.join(", ")}.`, {
      positional: true,
      placeholder: "preset",
    }),
    archives: field(z.array(z.string().min(1)).min(1), "Official downloads: zip, tar, tables, or folders of them.", {
      positional: true,
      placeholder: "archive",
      expected: "one or more archives",
    }),
    outputDir: field(z.string().min(1), "New folder that becomes the data set.", { placeholder: "dir" }),
    overwrite: overwriteField,
    valSplit: field(dataFields.valSplit.unwrap().optional(), "Share of the training images drawn for validation.", {
      defaultText: "the published validation images, else 0.1",
    }),
    testSplit: field(z.number().min(0).max(0.9).optional(), "Share of all images drawn for testing.", {
      defaultText: "the published test images, else 0.2",
    }),
    window: field(readingFields.window.unwrap().optional(), "Window for CT pictures, as in data show.", {
      placeholder: "rule",
      defaultText: "the published window of each picture",
    }),
    encoding: tableFields.encoding,
    strict: field(
      z.boolean().default(false),
      "Fail on the first file that is not as it should be, instead of leaving it out or scaling it with a warning.",
    ),
    ...runtimeFields,
  }),
});

export type DataPrepareInput = InputOf<typeof dataPrepare>;
export type DataPrepareOptions = OptionsOf<typeof dataPrepare>;
