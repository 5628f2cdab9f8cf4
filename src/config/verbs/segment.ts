import { z } from "zod";
import { encoderPresets } from "../../method/models/presets.ts";
import { HEADS } from "../../method/models/segmenter.ts";
import { MASK_LOSSES } from "../../method/nn/segmentation-losses.ts";
import type { ErrorParts } from "../../support/errors.ts";
import { augmentationFields } from "../augmentation.ts";
import { augmentationNotes } from "../augmentation-checks.ts";
import { checkModel } from "../checks.ts";
import {
  dataFields,
  epochsField,
  loadingFields,
  modelField,
  optimiserFields,
  outputFields,
  readingFields,
  runtimeFields,
  startFields,
  trainedImageFields,
} from "../common.ts";
import { completeModel, completeMoments, completeStart } from "../completion.ts";
import { exchangeField, exchangePartsField } from "../exchange.ts";
import { field, infoOf } from "../fields.ts";
import { mapCropField } from "../masking.ts";
import {
  checkFastMaps,
  checkPrecision,
  completePrecision,
  fastMapsField,
  precisionField,
  precisionNotes,
} from "../precision.ts";
import { recomputeField } from "../recompute.ts";
import { scaledEpochs } from "../schedule.ts";
import { trainingChecks } from "../training-checks.ts";
import { type InputOf, type OptionsOf, type RunOptionsOf, verbOptions } from "../verb.ts";

const { blr: _blr, ...optimising } = optimiserFields;

/** The model that is trained where nothing says one. */
const usual = "vit_base_patch16";

/**
 * Options of `segment`; the defaults are the paper's recipe.
 * Source: arXiv 2305.05871, transfer to segmentation; method.md section 6.
 */
export const segment = verbOptions({
  name: "segment",
  schema: z.strictObject({
    ...dataFields,
    numClasses: field(
      dataFields.numClasses,
      "Number of classes that the masks must have, the background included; data with another number is refused.",
      infoOf(dataFields.numClasses),
    ),
    model: modelField("Name of the encoder.", usual),
    ...startFields,
    ...outputFields,
    epochs: epochsField(200),
    batchSize: field(z.int().min(1).default(8), "Images per batch."),
    head: field(
      z.enum(HEADS).default("setr-pup"),
      "What turns the encoder's patches into pixels: setr-pup is the paper's.",
    ),
    headWidth: field(z.int().min(1).max(65_536).optional(), "Channels within the head.", {
      defaultText: "256 for setr-pup and setr-naive, 64 for light",
    }),
    deepSupervision: field(
      z.boolean().default(false),
      "In training also let heads after earlier blocks outline, and average their losses.",
    ),
    loss: field(
      z.enum(MASK_LOSSES).default("bce-dice"),
      "Loss: half the cross-entropy and Dice (the paper), Dice, the whole cross-entropy and Dice, focal, or Tversky.",
    ),
    focalGamma: field(z.number().min(0).max(20).optional(), "Exponent of --loss focal.", { defaultText: "2" }),
    tversky: field(
      z.array(z.number().min(0)).optional(),
      "What false positives and false negatives weigh in --loss tversky; 0.5,0.5 is Dice.",
      { defaultText: "0.3,0.7", expected: "two numbers of at least 0 such as 0.3,0.7", placeholder: "fp,fn" },
    ),
    optimizer: field(
      z.enum(["adam", "adamw"]).default("adam"),
      "Optimiser: adam adds the weight decay to the gradients as the paper does, adamw shrinks the weights themselves.",
    ),
    ...optimising,
    lr: field(z.number().gt(0).default(1e-4), "Peak learning rate."),
    weightDecay: field(
      z.number().min(0).optional(),
      "Weight decay: of adam an L2 penalty on all tensors, of adamw decoupled, on tensors of rank 2 and more.",
      { defaultText: "1e-4 for adam, 0.05 for adamw" },
    ),
    minLr: field(z.number().min(0).default(1e-5), "Learning rate at which the cosine schedule ends."),
    warmupEpochs: field(
      z.number().min(0).default(0),
      "Epochs over which the learning rate rises linearly to its peak.",
    ),
    layerDecay: field(
      z.number().gt(0).max(1).default(1),
      "Factor on the learning rate from each block to the one before it; 1 treats all alike.",
    ),
    keepRatio: field(
      z.number().gt(0).max(1).default(1),
      "Share of the patches that training runs on, those attended most; pixels of the others do not count. 1 runs on all, as the paper does.",
    ),
    fullTokenEpochs: field(
      z.int().min(0).optional(),
      "With --keep-ratio below 1, number of last epochs that run on all patches.",
      { defaultText: "a quarter of the epochs" },
    ),
    mapInterval: field(
      z.int().min(1).optional(),
      "With --keep-ratio below 1, epochs between refreshes of the attention maps.",
      { defaultText: "20, scaled down with fewer than 200 epochs" },
    ),
    fastMaps: fastMapsField,
    mapCrop: mapCropField,
    ...trainedImageFields,
    ...augmentationFields,
    cropMinScale: field(z.number().gt(0).max(1).default(1), infoOf(augmentationFields.cropMinScale).description),
    hflip: field(z.number().min(0).max(1).default(0), infoOf(augmentationFields.hflip).description),
    rot90: field(z.boolean().optional(), infoOf(augmentationFields.rot90).description, {
      defaultText: "on where the input is square",
    }),
    ...readingFields,
    ...loadingFields,
    precision: precisionField,
    exchange: exchangeField,
    exchangeParts: exchangePartsField,
    recompute: recomputeField,
    ...runtimeFields,
  }),
  derived: ["init", "headWidth", "weightDecay"],
  settled: [
    ...(["model", "inputSize", "patchSize", "inChans", "mean", "std"] as const),
    ...(["rot90", "epochs", "fullTokenEpochs", "mapInterval"] as const),
  ],
  models: Object.keys(encoderPresets),
  complete(options, whole) {
    completeModel(encoderPresets, usual, options, whole);
    completeMoments(options, whole);
    completePrecision(options);
    completeStart(options);
    options.headWidth ??= options.head === "light" ? 64 : 256;
    options.weightDecay ??= options.optimizer === "adamw" ? 0.05 : 1e-4;
    if (options.inputSize) options.rot90 ??= options.inputSize.height === options.inputSize.width;
    if (!whole && options.resume !== undefined) return;
    options.epochs ??= 200;
    const { epochs } = options;
    options.fullTokenEpochs ??= Math.ceil(epochs / 4);
    options.mapInterval ??= Math.max(1, scaledEpochs(20, 200, epochs));
  },
  checks: [checkModel(encoderPresets), ...trainingChecks, checkPrecision, checkFastMaps, checkMaskLoss, checkBudget],
  notes: (options) => [...augmentationNotes(options), ...precisionNotes(options)],
});

export type SegmentInput = InputOf<typeof segment>;
/** Options of segmentation as asked for: what is settled as a run begins may be missing. */
export type SegmentRequest = OptionsOf<typeof segment>;
/** Options of segmentation with every default filled in. */
export type SegmentOptions = RunOptionsOf<typeof segment>;

type MaskLoss = { loss?: string; focalGamma?: number; tversky?: readonly number[] };

function checkMaskLoss({ loss, focalGamma, tversky }: MaskLoss): ErrorParts[] {
  const problems: ErrorParts[] = [];
  const unused = (where: string, wanted: string) => {
    problems.push({
      where,
      expected: `--loss ${wanted} beside it`,
      got: `--loss ${loss}`,
      todo: "leave out one of them",
    });
  };
  if (loss !== undefined && loss !== "focal" && focalGamma !== undefined) unused("focalGamma", "focal");
  if (tversky === undefined) return problems;
  if (loss !== undefined && loss !== "tversky") unused("tversky", "tversky");
  if (tversky.length !== 2 || tversky.every((weight) => weight === 0)) {
    const expected = "two weights of at least 0, one of them above";
    problems.push({ where: "tversky", expected, got: JSON.stringify(tversky), todo: "write for example 0.3,0.7" });
  }
  return problems;
}

type Budget = { keepRatio?: number; inputSize?: { height: number; width: number }; patchSize?: number };

function checkBudget({ keepRatio, inputSize, patchSize }: Budget): ErrorParts[] {
  if (keepRatio === undefined || inputSize === undefined || patchSize === undefined) return [];
  const patches = Math.floor((inputSize.height / patchSize) * (inputSize.width / patchSize));
  if (Math.floor(patches * keepRatio) >= 1) return [];
  const expected = "a share that keeps at least one patch";
  return [{ where: "keepRatio", expected, got: `${keepRatio} of ${patches} patches`, todo: "raise it" }];
}
