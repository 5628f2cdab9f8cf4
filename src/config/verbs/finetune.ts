import { z } from "zod";
import { networkKindOf, networkPresets } from "../../method/kinds/networks.ts";
import type { AttendedRole } from "../../method/masking/policy.ts";
import type { HeadFusion, MapBlocks } from "../../method/models/config.ts";
import { encoderPresets } from "../../method/models/presets.ts";
import { augmentationFields } from "../augmentation.ts";
import { augmentationNotes } from "../augmentation-checks.ts";
import { balanceFields, mixingFields } from "../balance.ts";
import { balanceNotes, checkLoss, checkMixing } from "../balance-checks.ts";
import { checkModel, checkRatios } from "../checks.ts";
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
import { checkKeepSchedule, completeKeepSchedule, KEEP_SCHEDULE_EXPECTED } from "../keep-schedule.ts";
import { mapCropField, maskingFields, policyFields } from "../masking.ts";
import { FINETUNING_METHODS } from "../methods.ts";
import { checkNetwork } from "../network-checks.ts";
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
import { scaledEpochs } from "../schedule.ts";
import { checkOneTarget, checkTarget, gradesField, temperatureField, valueFields } from "../target-fields.ts";
import { trainingChecks } from "../training-checks.ts";
import { type InputOf, type OptionsOf, type RunOptionsOf, verbOptions } from "../verb.ts";

/** What fine-tuning can train, by name. */
const presets = { ...encoderPresets, ...networkPresets };

/** The model that is trained where nothing says one. */
const usual = "vit_base_patch16";

/**
 * Options of fine-tuning; the defaults are the paper's recipe.
 * Source: arXiv 2305.05871, implementation details of fine-tuning.
 */
export const finetune = verbOptions({
  name: "finetune",
  schema: z.strictObject({
    ...dataFields,
    ...valueFields,
    grades: gradesField,
    recipe: recipeField,
    method: field(
      z.enum(FINETUNING_METHODS).optional(),
      "Of a vision transformer: whose recipe the defaults are: msmae (a quarter of the patches, chosen by attention), amt and mae (all patches), or vit (all patches, from scratch).",
      { defaultText: "msmae" },
    ),
    model: modelField(
      "Name of the classifier to train: a vision transformer, or a network to compare with such as resnet18.",
      usual,
    ),
    ...startFields,
    ...outputFields,
    epochs: epochsField(100),
    batchSize: field(z.int().min(1).default(64), "Images per batch."),
    ...optimiserFields,
    minLr: field(z.number().min(0).default(1e-6), "Learning rate at which the cosine schedule ends."),
    warmupEpochs: field(
      z.number().min(0).optional(),
      "Epochs over which the learning rate rises linearly to its peak.",
      {
        defaultText: "5, scaled down with fewer than 100 epochs",
      },
    ),
    layerDecay: field(
      z.number().gt(0).max(1).optional(),
      "Factor on the learning rate from each block to the one before it; 1 treats all alike.",
      { defaultText: "0.75; 1 for other networks than vision transformers" },
    ),
    dropPath: field(
      z.number().min(0).lt(1).optional(),
      "Probability of skipping the last block's branches in training; it rises linearly from 0 over the depth.",
      { defaultText: "0.1; 0 for a ResNet" },
    ),
    smoothing: field(
      z.number().min(0).lt(1).default(0.1),
      "Label smoothing: the share of a target spread evenly over all classes.",
    ),
    ...mixingFields,
    ...balanceFields,
    globalPool: field(
      z.enum(["avg", "cls"]).optional(),
      "What the head reads: the average of the patch tokens, or the cls token.",
      { defaultText: "avg; cls in the small recipe of --method msmae" },
    ),
    maskRatio: field(maskingFields.maskRatio.unwrap().optional(), infoOf(maskingFields.maskRatio).description, {
      defaultText: "0.45; 0 for the other methods and networks",
    }),
    throwRatio: field(maskingFields.throwRatio.unwrap().optional(), infoOf(maskingFields.throwRatio).description, {
      defaultText: "0.3; 0 for the other methods and networks",
    }),
    mapInterval: field(
      z.int().min(1).optional(),
      "Epochs between refreshes of the attention maps, which happen at the start of an epoch.",
      { defaultText: "20, scaled down with fewer than 100 epochs" },
    ),
    fastMaps: fastMapsField,
    mapCrop: mapCropField,
    ...policyFields,
    temperature: temperatureField,
    fullTokenEpochs: field(
      z.int().min(0).optional(),
      "Number of last epochs that run on all patches, nothing masked or thrown (not in the paper).",
      { defaultText: "0; a third of the epochs in the small recipe" },
    ),
    keepSchedule: field(
      z.string().optional(),
      "How the share of patches rises to all of them over the epochs (not in the paper): linear and cosine from what the ratios leave, in four stages, or shares and from when, such as 0:0.25,60%:0.5,85%:1.",
      {
        defaultText: "constant, up to --full-token-epochs",
        expected: KEEP_SCHEDULE_EXPECTED,
        placeholder: "shape|stages",
      },
    ),
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
  derived: ["init", "dropPath", "maskRatio", "throwRatio"],
  settled: [
    ...(["model", "inputSize", "inChans", "mean", "std"] as const),
    ...(["recipe", "layerDecay", "mapHeads", "mapBlocks", "attended", "globalPool", "fullTokenEpochs"] as const),
    ...(["epochs", "warmupEpochs", "mapInterval"] as const),
  ],
  inherited: ["patchSize"],
  models: Object.keys(encoderPresets),
  complete(options, whole) {
    completeModel(presets, usual, options, whole);
    completeMoments(options, whole);
    completePrecision(options, encoderPresets);
    const network = networkKindOf(options.model);
    if (!network) options.method ??= "msmae";
    // A network that sees whole images has no method whose recipe there could be.
    else options.recipe ??= "paper";
    if (whole) options.recipe ??= "paper";
    options.dropPath ??= network && !network.skips ? 0 : 0.1;
    if (options.method === "vit" && options.finetune === undefined) options.init ??= "scratch";
    completeStart(options);
    completeKeepSchedule(options);
    options.maskRatio ??= options.method === "msmae" ? 0.45 : 0;
    options.throwRatio ??= options.method === "msmae" ? 0.3 : 0;
    if (!whole && options.resume !== undefined) return;
    completeSchedule(options);
    if (options.recipe !== undefined) completeRecipe(options, options.recipe, network !== undefined);
  },
  checks: [
    checkModel(presets),
    checkNetwork,
    ...trainingChecks,
    checkPrecision,
    checkFastMaps,
    checkOneTarget,
    checkTarget,
    checkRatios(false),
    checkKeepSchedule,
    checkMixing,
    checkLoss,
  ],
  notes: (options) => [...augmentationNotes(options), ...balanceNotes(options), ...precisionNotes(options)],
});

export type FinetuneInput = InputOf<typeof finetune>;
/** Fine-tuning options as asked for: what is settled as a run begins may be missing. */
export type FinetuneRequest = OptionsOf<typeof finetune>;
/** Fine-tuning options with every default filled in. */
export type FinetuneOptions = RunOptionsOf<typeof finetune>;

interface Decided {
  layerDecay?: number;
  mapHeads?: HeadFusion;
  mapBlocks?: MapBlocks;
  attended?: AttendedRole;
  globalPool?: "avg" | "cls";
  fullTokenEpochs?: number;
}

/** What a recipe decides. */
function completeRecipe(
  options: Decided & { method?: string; init?: string; epochs?: number; keepSchedule?: string },
  recipe: Recipe,
  network: boolean,
): void {
  const masks = options.method === "msmae";
  const decided: Record<Recipe, Decided> = {
    paper: {
      ...{ layerDecay: network ? 1 : 0.75, mapHeads: "min-max", mapBlocks: "last", attended: "hide" },
      ...{ globalPool: "avg", fullTokenEpochs: 0 },
    },
    small: {
      // Nothing that was learned before is to be spared where nothing was.
      layerDecay: options.init === "scratch" ? 1 : 0.75,
      ...{ mapHeads: "mean", mapBlocks: "all", attended: masks ? "keep" : "hide" },
      globalPool: masks ? "cls" : "avg",
      fullTokenEpochs: masks && options.keepSchedule === undefined ? Math.ceil((options.epochs ?? 0) / 3) : 0,
    },
  };
  completeFrom(options, decided[recipe]);
}

function completeSchedule(options: { epochs?: number; warmupEpochs?: number; mapInterval?: number }): void {
  options.epochs ??= 100;
  const { epochs } = options;
  options.warmupEpochs ??= scaledEpochs(5, 100, epochs);
  options.mapInterval ??= Math.max(1, scaledEpochs(20, 100, epochs));
}
