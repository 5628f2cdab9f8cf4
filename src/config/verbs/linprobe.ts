import { z } from "zod";
import { encoderPresets } from "../../method/models/presets.ts";
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
import { field, infoOf } from "../fields.ts";
import { featuresField } from "../model-fields.ts";
import { scaledEpochs } from "../schedule.ts";
import { temperatureField } from "../target-fields.ts";
import { trainingChecks } from "../training-checks.ts";
import { type InputOf, type OptionsOf, type RunOptionsOf, verbOptions } from "../verb.ts";

/** The model that is trained where nothing says one. */
const usual = "vit_base_patch16";

/**
 * Options of the linear probe; the defaults are MAE's recipe, without augmentation.
 * Source: He et al. 2022, appendix A.1; method.md section 5.
 */
export const linprobe = verbOptions({
  name: "linprobe",
  schema: z.strictObject({
    ...dataFields,
    model: modelField("Name of the encoder.", usual),
    ...startFields,
    ...outputFields,
    features: featuresField,
    epochs: epochsField(90),
    batchSize: field(
      z.int().min(2).default(512),
      "Most images per batch; at most an eighth of the training images are taken, so that small sets have steps enough.",
    ),
    ...optimiserFields,
    blr: field(
      z.number().gt(0).default(0.1),
      "Base learning rate per 256 images of MAE's batch of 16,384, so that the peak is 64 x blr; it is the same for smaller batches, since LARS moves weights by shares of their norm.",
    ),
    weightDecay: field(
      z.number().min(0).default(0),
      "Coupled weight decay of LARS, on the weight of the linear layer.",
    ),
    minLr: field(z.number().min(0).default(0), "Learning rate at which the cosine schedule ends."),
    warmupEpochs: field(
      z.number().min(0).optional(),
      "Epochs over which the learning rate rises linearly to its peak.",
      { defaultText: "10, scaled down with fewer than 90 epochs" },
    ),
    temperature: temperatureField,
    ...trainedImageFields,
    ...augmentationFields,
    cropMinScale: field(z.number().gt(0).max(1).default(1), infoOf(augmentationFields.cropMinScale).description),
    hflip: field(z.number().min(0).max(1).default(0), infoOf(augmentationFields.hflip).description),
    ...readingFields,
    ...loadingFields,
    ...runtimeFields,
  }),
  derived: ["init"],
  settled: ["model", "inputSize", "patchSize", "inChans", "mean", "std", "epochs", "warmupEpochs"],
  models: Object.keys(encoderPresets),
  complete(options, whole) {
    completeModel(encoderPresets, usual, options, whole);
    completeMoments(options, whole);
    completeStart(options);
    if (!whole && options.resume !== undefined) return;
    options.epochs ??= 90;
    options.warmupEpochs ??= scaledEpochs(10, 90, options.epochs);
  },
  checks: [checkModel(encoderPresets), ...trainingChecks],
  notes: augmentationNotes,
});

export type LinprobeInput = InputOf<typeof linprobe>;
/** Options of the linear probe as asked for: what is settled as a run begins may be missing. */
export type LinprobeRequest = OptionsOf<typeof linprobe>;
/** Options of the linear probe with every default filled in. */
export type LinprobeOptions = RunOptionsOf<typeof linprobe>;
