import { z } from "zod";
import { encoderPresets } from "../../method/models/presets.ts";
import { checkChannels, checkModel, checkPatches } from "../checks.ts";
import { dataFields, loadingFields, overwriteField, runtimeFields, tableFields } from "../common.ts";
import { field } from "../fields.ts";
import {
  checkpoint,
  featuresField,
  foreignEncoderFields,
  modelReading,
  sharing,
  slicesAsTrained,
} from "../model-fields.ts";
import { type InputOf, type OptionsOf, verbOptions } from "../verb.ts";

/**
 * Options of `knn`: the classes of images as those of the training images nearest to them.
 * Source: Wu et al. 2018 and Caron et al. 2021 (DINO) for the weights of votes.
 */
export const knn = verbOptions({
  name: "knn",
  schema: z.strictObject({
    checkpoint,
    dataPath: dataFields.dataPath,
    split: field(z.enum(["test", "val"]).default("test"), "Which part of the data to classify."),
    ...sharing,
    labelShare: dataFields.labelShare,
    ...tableFields,
    features: featuresField,
    k: field(
      z.array(z.int().min(1).max(200)).min(1).default([20]),
      "How many neighbours vote; of several numbers the one with the best accuracy on the validation split is taken.",
      { expected: "whole numbers from 1 to 200", placeholder: "k,k,..." },
    ),
    temperature: field(
      z.number().gt(0).max(10).default(0.07),
      "By what similarities are divided before a vote weighs their exponential.",
    ),
    outputDir: field(z.string().min(1).optional(), "Folder for metrics.json, predictions.csv and the report.", {
      placeholder: "dir",
      defaultText: "none written",
    }),
    overwrite: overwriteField,
    batchSize: field(z.int().min(1).default(64), "Images per batch."),
    ...foreignEncoderFields,
    ...modelReading,
    slices: slicesAsTrained,
    ...loadingFields,
    ...runtimeFields,
  }),
  checks: [checkModel(encoderPresets), checkPatches, checkChannels],
});

export type KnnInput = InputOf<typeof knn>;
export type KnnOptions = OptionsOf<typeof knn>;
