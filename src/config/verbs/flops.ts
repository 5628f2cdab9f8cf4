import { z } from "zod";
import { networkKindOf, networkPresets } from "../../method/kinds/networks.ts";
import { encoderPresets } from "../../method/models/presets.ts";
import { checkChannels, checkModel, checkPatches, checkRatios } from "../checks.ts";
import { imageFields, runtimeFields } from "../common.ts";
import { completeSizes } from "../completion.ts";
import { field, infoOf } from "../fields.ts";
import { maskingFields } from "../masking.ts";
import { checkNetwork } from "../network-checks.ts";
import { type InputOf, type OptionsOf, verbOptions } from "../verb.ts";

/** What can be counted, by name. */
const presets = { ...encoderPresets, ...networkPresets };

const { maskRatio, throwRatio } = maskingFields;

/** Options of `flops`: operations and time of a classifier, masked and full. */
export const flops = verbOptions({
  name: "flops",
  schema: z.strictObject({
    model: field(z.string().min(1).default("vit_base_patch16"), "Name of the model to count.", { placeholder: "name" }),
    inputSize: imageFields.inputSize,
    patchSize: imageFields.patchSize,
    inChans: imageFields.inChans,
    numClasses: field(z.int().min(1).max(100_000).default(5), "Number of classes of the head.", {
      aliases: ["nbClasses"],
    }),
    maskRatio: field(maskRatio.unwrap().optional(), infoOf(maskRatio).description, {
      defaultText: "0.45; 0 for other networks than vision transformers",
    }),
    throwRatio: field(throwRatio.unwrap().optional(), infoOf(throwRatio).description, {
      defaultText: "0.3; 0 for other networks than vision transformers",
    }),
    batchSize: field(z.int().min(1).default(1), "Images per timed batch."),
    repeats: field(
      z.int().min(0).default(5),
      "Timed runs of each case, whose median is shown; 0 counts operations only.",
    ),
    ...runtimeFields,
  }),
  derived: ["inputSize", "maskRatio", "throwRatio"],
  complete(options) {
    completeSizes(presets, options);
    const network = networkKindOf(options.model);
    options.maskRatio ??= network ? 0 : 0.45;
    options.throwRatio ??= network ? 0 : 0.3;
  },
  checks: [checkModel(presets), checkNetwork, checkPatches, checkChannels, checkRatios(false)],
});

export type FlopsInput = InputOf<typeof flops>;
export type FlopsOptions = OptionsOf<typeof flops>;
