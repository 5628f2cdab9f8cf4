import { z } from "zod";
import {
  dataFields,
  loadingFields,
  maskingFields,
  overwriteField,
  readingFields,
  runtimeFields,
  startFields,
  tableFields,
} from "./common.ts";
import { field, infoOf } from "./fields.ts";

const checkpoint = field(z.string().min(1), "Checkpoint file (safetensors) to load.", { placeholder: "file" });
const files = field(z.array(z.string().min(1)).min(1), "Image files, folders of them, or a DICOMDIR.", {
  positional: true,
  placeholder: "file",
  expected: "one or more image files",
});
const drawingsDir = field(z.string().min(1), "Folder for the pictures and arrays.", { placeholder: "dir" });
const { allowPartial } = startFields;
/** A model remembers how its training images were read. */
const reading = {
  window: field(readingFields.window.unwrap().optional(), infoOf(readingFields.window).description, {
    ...infoOf(readingFields.window),
    defaultText: "as the model was trained",
  }),
  sliceAxis: field(readingFields.sliceAxis.unwrap().optional(), infoOf(readingFields.sliceAxis).description, {
    defaultText: "as the model was trained",
  }),
  alpha: field(readingFields.alpha.unwrap().optional(), infoOf(readingFields.alpha).description, {
    defaultText: "as the model was trained",
  }),
  slices: readingFields.slices,
};

/** A model remembers how the images it was trained on were shared out. */
const asTrained = { defaultText: "as the model was trained" };
const sharing = {
  splitFile: dataFields.splitFile,
  fold: dataFields.fold,
  group: field(dataFields.group.unwrap().optional(), infoOf(dataFields.group).description, asTrained),
  valSplit: field(dataFields.valSplit.unwrap().optional(), infoOf(dataFields.valSplit).description, asTrained),
};

/** Options of `eval`: a classifier's metrics on one split of a data set. */
export const evalSchema = z.strictObject({
  checkpoint,
  dataPath: dataFields.dataPath,
  split: field(z.enum(["test", "val", "train"]).default("test"), "Which part of the data to evaluate."),
  ...sharing,
  ...tableFields,
  outputDir: field(z.string().min(1).optional(), "Folder for metrics.json and the report.", {
    placeholder: "dir",
    defaultText: "none written",
  }),
  overwrite: overwriteField,
  batchSize: field(z.int().min(1).default(64), "Images per batch."),
  allowPartial,
  ...reading,
  slices: field(readingFields.slices.unwrap().optional(), infoOf(readingFields.slices).description, {
    ...infoOf(readingFields.slices),
    ...asTrained,
  }),
  ...loadingFields,
  ...runtimeFields,
});

/** Options of `predict`: class and probabilities of single images. */
export const predictSchema = z.strictObject({
  checkpoint,
  files,
  batchSize: field(z.int().min(1).default(16), "Images per batch."),
  allowPartial,
  ...reading,
  ...runtimeFields,
});

/** Options of `maps`: where the last block's cls token looks. */
export const mapsSchema = z.strictObject({
  checkpoint,
  files,
  outputDir: drawingsDir,
  overwrite: overwriteField,
  batchSize: field(z.int().min(1).default(16), "Images per batch."),
  allowPartial,
  ...reading,
  ...runtimeFields,
});

/** Options of `reconstruct`: what the decoder makes of the hidden patches. */
export const reconstructSchema = z.strictObject({
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
  allowPartial,
  ...reading,
  ...runtimeFields,
});

export type EvalInput = z.input<typeof evalSchema>;
export type EvalOptions = z.output<typeof evalSchema>;
export type PredictInput = z.input<typeof predictSchema>;
export type PredictOptions = z.output<typeof predictSchema>;
export type MapsInput = z.input<typeof mapsSchema>;
export type MapsOptions = z.output<typeof mapsSchema>;
export type ReconstructInput = z.input<typeof reconstructSchema>;
export type ReconstructOptions = z.output<typeof reconstructSchema>;
