import { z } from "zod";
import { encoderPresets } from "../../method/models/presets.ts";
import { checkChannels, checkModel, checkPatches } from "../checks.ts";
import { dataFields, loadingFields, overwriteField, runtimeFields, tableFields } from "../common.ts";
import { field, infoOf } from "../fields.ts";
import {
  checkpoint,
  featuresField,
  files,
  foreignEncoderFields,
  modelReading,
  sharing,
  slicesAsTrained,
} from "../model-fields.ts";
import { type Check, type InputOf, type OptionsOf, verbOptions } from "../verb.ts";

const checkInputs: Check<{ dataPath?: string; files?: readonly string[] }> = ({ dataPath, files: named }) => {
  if ((dataPath === undefined) !== (named === undefined)) return [];
  const expected = "a data set or image files";
  const got = dataPath === undefined ? "neither" : "both";
  return [{ where: "dataPath", expected, got, todo: "give --data-path DATA, or FILE… after the verb" }];
};

/** Options of `embed`: what a frozen encoder makes of images, as a table and as a picture. */
export const embed = verbOptions({
  name: "embed",
  schema: z.strictObject({
    checkpoint,
    files: field(z.array(z.string().min(1)).optional(), infoOf(files).description, infoOf(files)),
    dataPath: field(z.string().min(1).optional(), infoOf(dataFields.dataPath).description, {
      ...infoOf(dataFields.dataPath),
      defaultText: "none; then FILE… after the verb",
    }),
    ...sharing,
    ...tableFields,
    features: featuresField,
    format: field(
      z.enum(["npy", "csv", "parquet"]).default("npy"),
      "File of the features: npy is one array with a CSV file of its rows beside it; csv and parquet hold both in one.",
    ),
    colorBy: field(
      z.array(z.string().min(1)).optional(),
      "What the pictures are coloured by: class, split, or columns of the data set's CSV file.",
      { placeholder: "name,name", defaultText: "class,split" },
    ),
    outputDir: field(z.string().min(1), "Folder for the features and the pictures.", { placeholder: "dir" }),
    overwrite: overwriteField,
    batchSize: field(z.int().min(1).default(64), "Images per batch."),
    ...foreignEncoderFields,
    ...modelReading,
    slices: slicesAsTrained,
    ...loadingFields,
    ...runtimeFields,
  }),
  checks: [checkModel(encoderPresets), checkPatches, checkChannels, checkInputs],
});

export type EmbedInput = InputOf<typeof embed>;
export type EmbedOptions = OptionsOf<typeof embed>;
