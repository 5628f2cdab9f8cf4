import { z } from "zod";
import type { ErrorParts } from "../../support/errors.ts";
import { dataFields, loadingFields, overwriteField, runtimeFields, tableFields } from "../common.ts";
import { field, infoOf } from "../fields.ts";
import { budgetFields, checkpoint, sharing, slicesAsTrained } from "../model-fields.ts";
import { type InputOf, type OptionsOf, verbOptions } from "../verb.ts";

const SPLITS = ["test", "val", "train"] as const;

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
    ...budgetFields,
    quantize: field(
      z.enum(["int8", "fp16"]).optional(),
      "Numbers of fewer bits. int8: the linear layers' weights in 8 bits, multiplied as such; fp16: all weights stored in 16 bits, multiplied as float32.",
      { defaultText: "float32" },
    ),
    weights: field(
      z.enum(["int4"]).optional(),
      "Store the linear layers' weights in 4 bits, for programs that know version 21 of ONNX's operators.",
      { defaultText: "float32" },
    ),
    keepFp32: field(z.array(z.string().min(1)).min(1).optional(), "Linear layers that stay in float32.", {
      placeholder: "name,name",
      defaultText: "none",
      expected: "names of layers with commas between, such as head,blocks.0.mlp.fc2",
    }),
    calibrationPath: field(
      z.string().min(1).optional(),
      "With int8: a data set from whose training images the levels of what is multiplied are fixed.",
      { placeholder: "path", defaultText: "levels are found anew in each run" },
    ),
    calibrationImages: field(z.int().min(1).default(64), "How many of its training images are drawn for that."),
    calibrationLevels: field(
      z.enum(["asymmetric", "symmetric"]).default("asymmetric"),
      "Fixed levels between the smallest and the largest value, or as far below as above 0.",
    ),
    dataPath: field(
      dataFields.dataPath.optional(),
      `On what a quantised model is measured beside float32. ${infoOf(dataFields.dataPath).description}`,
      { ...infoOf(dataFields.dataPath), defaultText: "nothing is measured" },
    ),
    split: field(z.enum(SPLITS).default("test"), "Which part of the data to measure on."),
    maxDrop: field(
      z.number().min(0).max(1).default(0.01),
      "With --data-path: how much accuracy, AUC or Dice may fall, as a share; a model that loses more is not written.",
    ),
    scan: field(
      z.enum(SPLITS).optional(),
      "With --data-path: try each linear layer alone on this part of the data, and keep in float32 those that harm most, as few as stay within --max-drop there.",
      { defaultText: "none is tried" },
    ),
    batchSize: field(z.int().min(1).default(16), "Images per batch that is measured."),
    ...sharing,
    ...tableFields,
    slices: slicesAsTrained,
    workers: loadingFields.workers,
    strict: loadingFields.strict,
    licence: field(z.string().min(1).optional(), "Licence of the model, such as Apache-2.0, for the file's metadata.", {
      placeholder: "name",
      defaultText: "as the checkpoint says",
    }),
    trainingData: field(
      z.string().min(1).optional(),
      "What the model was trained on, and its terms, for the file's metadata.",
      { placeholder: "text", defaultText: "as the model card beside the checkpoint says, where there is one" },
    ),
    overwrite: overwriteField,
    ...runtimeFields,
  }),
  checks: [checkBudget, checkPrecision, checkMeasured],
});

/** A budget is a classifier's, and nothing beside it may run on all patches. */
function checkBudget(options: { keepRatio?: number; attention?: boolean; features?: string }): ErrorParts[] {
  const { keepRatio, attention, features } = options;
  if (keepRatio === undefined || !(attention || features)) return [];
  const got = attention ? "--attention, for which all blocks run on all patches" : `--features ${features}`;
  return [
    { where: "keepRatio", expected: "what a classifier's head tells alone", got, todo: "leave out one of the two" },
  ];
}

interface Quantized {
  quantize?: string | undefined;
  weights?: string | undefined;
  keepFp32?: readonly string[] | undefined;
  calibrationPath?: string | undefined;
  dataPath?: string | undefined;
  scan?: string | undefined;
}

/** What of the options for fewer bits does not go together. */
function checkPrecision({ quantize, weights, keepFp32, calibrationPath }: Quantized): ErrorParts[] {
  const problems: ErrorParts[] = [];
  if (quantize !== undefined && weights !== undefined) {
    const got = `${quantize} and ${weights}`;
    problems.push({ where: "quantize, weights", expected: "one of them", got, todo: "leave out one of the two" });
  }
  if (calibrationPath !== undefined && quantize !== "int8") {
    problems.push(needs("calibrationPath", "--quantize int8", calibrationPath));
  }
  if (keepFp32 !== undefined && quantize !== "int8" && weights === undefined) {
    problems.push(needs("keepFp32", "--quantize int8 or --weights int4", keepFp32.join()));
  }
  return problems;
}

/** What is measured is what quantising takes. */
function checkMeasured({ quantize, weights, dataPath, scan }: Quantized): ErrorParts[] {
  const problems: ErrorParts[] = [];
  if (dataPath !== undefined && quantize === undefined && weights === undefined) {
    problems.push(needs("dataPath", "--quantize or --weights", dataPath));
  }
  if (scan !== undefined && dataPath === undefined) problems.push(needs("scan", "--data-path", scan));
  if (scan !== undefined && quantize === "fp16") problems.push(needs("scan", "int8 or int4", scan));
  return problems;
}

function needs(where: string, other: string, got: string): ErrorParts {
  return { where, expected: `${other} beside it`, got: JSON.stringify(got), todo: `add ${other}, or leave it out` };
}

export type ExportInput = InputOf<typeof exportModel>;
export type ExportOptions = OptionsOf<typeof exportModel>;
