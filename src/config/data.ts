import { z } from "zod";
import { ANONYMISE_OPTIONS } from "../curation/anonymise/options.ts";
import { PRESET_NAMES } from "../curation/prepare/types.ts";
import {
  dataFields,
  imageFields,
  loadingFields,
  overwriteField,
  readingFields,
  runtimeFields,
  tableFields,
} from "./common.ts";
import { field, infoOf } from "./fields.ts";
import { sizeSchema } from "./size.ts";

const dataPath = field(z.string().min(1), infoOf(dataFields.dataPath).description, {
  positional: true,
  placeholder: "data",
  expected: "a data set: a folder or a CSV file",
});
const { window, sliceAxis, alpha, slices } = readingFields;
const { splitFile, fold, group, valSplit } = dataFields;
const testSplit = field(
  z.number().min(0).max(0.9).default(0.2),
  "Share of each class drawn for testing where the data set names no test images.",
);

/** Options of `data show`: one image file, step by step. */
export const dataShowSchema = z.strictObject({
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
  window,
  sliceAxis,
  alpha,
  slice: field(z.int().min(0).optional(), "Frame, page or slice to show, from 0.", {
    aliases: ["frame"],
    defaultText: "the middle slice of a volume, else the first",
  }),
  ...runtimeFields,
});

/** Options of `data stats`: mean and standard deviation of a data set's pixels. */
export const dataStatsSchema = z.strictObject({
  dataPath,
  split: field(z.enum(["train", "val", "test"]).default("train"), "Which part of the data to measure."),
  output: field(
    z.string().min(1).optional(),
    "YAML file to write mean and std to; pretrain and finetune read it as --config.",
    { placeholder: "file", defaultText: "none written" },
  ),
  overwrite: overwriteField,
  splitFile,
  fold,
  group,
  valSplit,
  ...tableFields,
  inputSize: field(
    sizeSchema.default({ height: 224, width: 224 }),
    "Height and width in pixels to which images are resized before they are measured.",
    { defaultText: "224", expected: infoOf(imageFields.inputSize).expected as string, placeholder: "HxW" },
  ),
  inChans: imageFields.inChans,
  ...readingFields,
  workers: loadingFields.workers,
  strict: loadingFields.strict,
  ...runtimeFields,
});

/** Options of `data split`: a CSV file that says which image is in which split. */
export const dataSplitSchema = z.strictObject({
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
  valSplit: field(valSplit.unwrap().optional(), "Share of each class drawn for validation; not used with folds.", {
    defaultText: "0.1",
  }),
  testSplit: field(testSplit.unwrap().optional(), infoOf(testSplit).description, {
    defaultText: "0.2, and 0 with folds",
  }),
  ...tableFields,
  strict: field(z.boolean().default(false), "Fail where a file has to be left out, instead of naming it."),
  sliceAxis,
  slices,
  ...runtimeFields,
});

/** Options of `data prepare`: the official downloads of a published data set, made ready. */
export const dataPrepareSchema = z.strictObject({
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
  valSplit: field(valSplit.unwrap().optional(), "Share of the training images drawn for validation.", {
    defaultText: "the published validation images, else 0.1",
  }),
  testSplit: field(testSplit.unwrap().optional(), "Share of all images drawn for testing.", {
    defaultText: "the published test images, else 0.2",
  }),
  window: field(window.unwrap().optional(), "Window for CT pictures, as in data show.", {
    placeholder: "rule",
    defaultText: "the published window of each picture",
  }),
  encoding: tableFields.encoding,
  strict: field(
    z.boolean().default(false),
    "Fail on the first file that is not as it should be, instead of leaving it out or scaling it with a warning.",
  ),
  ...runtimeFields,
});

/** Options of `data check`: what a reviewer would look for before any training. */
export const dataCheckSchema = z.strictObject({
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
  splitFile,
  fold,
  ...tableFields,
  ...readingFields,
  workers: field(z.int().min(0).max(64).optional(), infoOf(loadingFields.workers).description, {
    defaultText: "one per core",
  }),
  ...runtimeFields,
});

/** Options of `data anonymise`: DICOM files without identity. */
export const dataAnonymiseSchema = z.strictObject({
  inputs: field(z.array(z.string().min(1)).min(1), "DICOM files, or folders that are searched for them.", {
    positional: true,
    placeholder: "path",
    expected: "one or more DICOM files or folders",
  }),
  outputDir: field(z.string().min(1), "New folder for the copies.", { placeholder: "dir" }),
  overwrite: overwriteField,
  keep: field(
    z.array(z.enum(ANONYMISE_OPTIONS)).optional(),
    `What to keep or only clean beyond the basic profile, of ${ANONYMISE_OPTIONS.join(", ")}.`,
    { placeholder: "a,b", defaultText: "nothing", expected: `some of ${ANONYMISE_OPTIONS.join(", ")}` },
  ),
  key: field(
    z.string().min(1).optional(),
    "Secret that makes replacements repeatable: the same patient and study get the same ones in another run.",
    { placeholder: "text", defaultText: "drawn anew each time" },
  ),
  ...runtimeFields,
});

export type DataCheckInput = z.input<typeof dataCheckSchema>;
export type DataCheckOptions = z.output<typeof dataCheckSchema>;
export type DataAnonymiseInput = z.input<typeof dataAnonymiseSchema>;
export type DataAnonymiseOptions = z.output<typeof dataAnonymiseSchema>;
export type DataShowInput = z.input<typeof dataShowSchema>;
export type DataShowOptions = z.output<typeof dataShowSchema>;
export type DataStatsInput = z.input<typeof dataStatsSchema>;
export type DataStatsOptions = z.output<typeof dataStatsSchema>;
export type DataSplitInput = z.input<typeof dataSplitSchema>;
export type DataSplitOptions = z.output<typeof dataSplitSchema>;
export type DataPrepareInput = z.input<typeof dataPrepareSchema>;
export type DataPrepareOptions = z.output<typeof dataPrepareSchema>;
