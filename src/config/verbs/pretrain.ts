import { z } from "zod";
import type { AttendedRole } from "../../method/masking/policy.ts";
import type { HeadFusion, MapBlocks } from "../../method/models/config.ts";
import { pretrainPresets } from "../../method/models/presets.ts";
import { augmentationFields } from "../augmentation.ts";
import { augmentationNotes } from "../augmentation-checks.ts";
import { checkModel, checkRandomRatio, checkRatios } from "../checks.ts";
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
import { completeModel, completeMoments } from "../completion.ts";
import { exchangeField, exchangePartsField } from "../exchange.ts";
import { field } from "../fields.ts";
import { type MapSource, mapCropField, maskingFields, policyFields } from "../masking.ts";
import { PRETRAINING_METHODS } from "../methods.ts";
import {
  checkFastMaps,
  checkPrecision,
  completePrecision,
  fastMapsField,
  precisionField,
  precisionNotes,
} from "../precision.ts";
import { completeFrom, type Recipe, recipeField } from "../recipe.ts";
import { recomputeField } from "../recompute.ts";
import { firstRefreshEpoch, scaledEpochs } from "../schedule.ts";
import { checkTarget, findingsField } from "../target-fields.ts";
import { trainingChecks } from "../training-checks.ts";
import { type InputOf, type OptionsOf, type RunOptionsOf, verbOptions } from "../verb.ts";

/** The model that is trained where nothing says one. */
const usual = "msmae_vit_base_patch16";

/**
 * Options of pre-training; the defaults are the paper's recipe.
 * Source: arXiv 2305.05871, implementation details of pre-training.
 */
export const pretrain = verbOptions({
  name: "pretrain",
  schema: z.strictObject({
    ...dataFields,
    findings: findingsField,
    recipe: recipeField,
    method: field(
      z.enum(PRETRAINING_METHODS).default("msmae"),
      "Whose recipe the defaults are: msmae (supervised, masks by attention), amt (masks by attention, no labels) or mae (random masks, no labels).",
    ),
    model: modelField("Name of the model to pre-train.", usual),
    ...outputFields,
    epochs: epochsField(300),
    batchSize: field(z.int().min(1).default(64), "Images per batch."),
    ...optimiserFields,
    minLr: field(z.number().min(0).default(0), "Learning rate at which the cosine schedule ends."),
    warmupEpochs: field(
      z.number().min(0).optional(),
      "Epochs over which the learning rate rises linearly to its peak.",
      {
        defaultText: "40, scaled down with fewer than 300 epochs",
      },
    ),
    maskRatio: maskingFields.maskRatio,
    throwRatio: maskingFields.throwRatio,
    randomMaskRatio: field(
      z.number().gt(0).lt(1).optional(),
      "Share of all patches masked in the random epochs before attention-driven masking starts.",
      { defaultText: "0.75; 0.5 in the small recipe with labels" },
    ),
    attentionStartEpoch: field(
      z.union([z.int().min(0), z.literal("never")]).optional(),
      "First epoch, counted from 0, whose masks follow the attention maps, or never.",
      {
        defaultText:
          "the one after the first map refresh, 41 of 300; 0 for maps that are not the model's; never for --method mae",
        expected: 'a whole number at least 0, or "never"',
        placeholder: "epoch|never",
      },
    ),
    mapInterval: field(
      z.int().min(1).optional(),
      "Epochs between refreshes of the attention maps, which happen at the end of an epoch.",
      { defaultText: "40, scaled down with fewer than 300 epochs" },
    ),
    mapWarmupEpochs: field(
      z.int().min(0).optional(),
      "Epoch, counted from 0, before which no attention map is computed.",
      { defaultText: "40, scaled down with fewer than 300 epochs" },
    ),
    fastMaps: fastMapsField,
    mapCrop: mapCropField,
    ...policyFields,
    clsLoss: field(
      z.enum(["softmax-ce", "ce"]).optional(),
      "Classification loss: cross-entropy of softmaxed outputs as in the published program, or plain cross-entropy.",
      { defaultText: "softmax-ce; ce in the small recipe" },
    ),
    clsLossWeight: field(
      z.number().min(0).optional(),
      "Weight of the classification loss beside the reconstruction loss; 0 pre-trains without labels.",
      { defaultText: "0.1; 1 in the small recipe; 0 for --method amt and mae" },
    ),
    normPixLoss: field(
      z.boolean().default(false),
      "Reconstruct pixels normalised within each patch instead of pixels as they are.",
    ),
    ...startFields,
    ...trainedImageFields,
    ...augmentationFields,
    ...readingFields,
    ...loadingFields,
    precision: precisionField,
    exchange: exchangeField,
    exchangeParts: exchangePartsField,
    recompute: recomputeField,
    ...runtimeFields,
  }),
  derived: ["init"],
  settled: [
    ...(["model", "inputSize", "patchSize", "inChans", "mean", "std"] as const),
    ...(["recipe", "clsLoss", "clsLossWeight", "randomMaskRatio", "mapHeads", "mapBlocks", "attended"] as const),
    ...(["epochs", "warmupEpochs", "mapInterval", "mapWarmupEpochs", "attentionStartEpoch"] as const),
  ],
  models: Object.keys(pretrainPresets),
  complete(options, whole) {
    completeModel(pretrainPresets, usual, options, whole);
    completeMoments(options, whole);
    completePrecision(options, pretrainPresets);
    options.init ??= options.finetune === undefined ? "scratch" : "checkpoint";
    if (whole) options.recipe ??= "paper";
    if (options.recipe !== undefined && (whole || options.resume === undefined))
      completeRecipe(options, options.recipe);
    if (whole || options.resume === undefined) completeSchedule(options);
  },
  checks: [
    checkModel(pretrainPresets),
    ...trainingChecks,
    checkPrecision,
    checkFastMaps,
    checkTarget,
    checkRatios(true),
    checkRandomRatio,
  ],
  notes: (options) => [...augmentationNotes(options), ...mapNotes(options), ...precisionNotes(options)],
});

export type PretrainInput = InputOf<typeof pretrain>;
/** Pre-training options as asked for: what is settled as a run begins may be missing. */
export type PretrainRequest = OptionsOf<typeof pretrain>;
/** Pre-training options with every default filled in. */
export type PretrainOptions = RunOptionsOf<typeof pretrain>;

/** What a recipe decides of a method. */
function completeRecipe(options: Decided & { method?: (typeof PRETRAINING_METHODS)[number] }, recipe: Recipe): void {
  const told = options.method === "msmae";
  const decided: Record<Recipe, Decided> = {
    paper: {
      clsLoss: "softmax-ce",
      clsLossWeight: told ? 0.1 : 0,
      randomMaskRatio: 0.75,
      mapHeads: "min-max",
      mapBlocks: "last",
      attended: "hide",
    },
    small: {
      ...{ clsLoss: "ce", clsLossWeight: told ? 1 : 0, randomMaskRatio: told ? 0.5 : 0.75 },
      ...{ mapHeads: "mean", mapBlocks: "all", attended: told ? "keep" : "hide" },
    },
  };
  completeFrom(options, decided[recipe]);
}

interface Decided {
  clsLoss?: "softmax-ce" | "ce";
  clsLossWeight?: number;
  randomMaskRatio?: number;
  mapHeads?: HeadFusion;
  mapBlocks?: MapBlocks;
  attended?: AttendedRole;
}

interface Lengths {
  method?: (typeof PRETRAINING_METHODS)[number];
  mapSource?: MapSource;
  epochs?: number;
  warmupEpochs?: number;
  mapInterval?: number;
  mapWarmupEpochs?: number;
  attentionStartEpoch?: number | "never";
}

function completeSchedule(options: Lengths): void {
  options.epochs ??= 300;
  const { epochs } = options;
  options.warmupEpochs ??= scaledEpochs(40, 300, epochs);
  options.mapInterval ??= Math.max(1, scaledEpochs(40, 300, epochs));
  options.mapWarmupEpochs ??= scaledEpochs(40, 300, epochs);
  // Maps that no training makes are there from the first epoch on.
  const made = options.mapSource === undefined || options.mapSource === "attention";
  const start = made ? firstRefreshEpoch(options.mapWarmupEpochs, options.mapInterval) + 1 : 0;
  options.attentionStartEpoch ??= options.method !== "mae" && start < epochs ? start : "never";
}

function mapNotes({ attentionStartEpoch, mapInterval, mapWarmupEpochs, mapSource }: Lengths): string[] {
  if (attentionStartEpoch === "never" && mapSource !== "attention") {
    return [
      `maps of --map-source ${mapSource} are not used: no epoch's masks follow them (--attention-start-epoch never)`,
    ];
  }
  const lengthsKnown = attentionStartEpoch !== undefined && mapInterval !== undefined && mapWarmupEpochs !== undefined;
  if (!lengthsKnown || attentionStartEpoch === "never" || mapSource !== "attention") return [];
  const first = firstRefreshEpoch(mapWarmupEpochs, mapInterval);
  if (attentionStartEpoch > first) return [];
  return [
    `attention-driven masking starts at epoch ${attentionStartEpoch}, but the first maps come at the end of epoch ${first}: until then every patch weighs the same`,
  ];
}
