import { z } from "zod";
import { LAYOUT_CHOICES } from "../checkpoint-layouts.ts";
import { checkChannels, checkPatches } from "../checks.ts";
import { fittingFields, imageFields, overwriteField, runtimeFields } from "../common.ts";
import { field, infoOf } from "../fields.ts";
import { type InputOf, type OptionsOf, verbOptions } from "../verb.ts";

const { inputSize, patchSize, inChans, mean, std } = imageFields;
const asIs = { defaultText: "as the checkpoint has it" };

/** Options of `convert`: checkpoints in and out. */
export const convert = verbOptions({
  name: "convert",
  schema: z.strictObject({
    checkpoint: field(z.string().min(1), "Checkpoint to convert, ours or another program's.", {
      positional: true,
      placeholder: "in",
    }),
    output: field(z.string().min(1), "File to write: .safetensors, or .pth, .pt and .bin for classes of others.", {
      positional: true,
      placeholder: "out",
    }),
    from: field(z.enum(LAYOUT_CHOICES).default("auto"), "Layout of the checkpoint; auto tells it by its keys."),
    to: field(
      z.enum(["msmae", "timm", "mae", "hf", "pytorch"]).default("msmae"),
      "Whose classes are to load what is written.",
    ),
    inputSize: field(
      inputSize,
      "Height and width in pixels that the model is to take; its positions are interpolated. Of a grid that is not square and that nothing tells, the size it was trained with.",
      { ...infoOf(inputSize), ...asIs },
    ),
    patchSize: field(
      patchSize,
      "Side of a square patch in pixels that the model is to take; needs --resize-patches.",
      asIs,
    ),
    inChans: field(
      inChans.unwrap().optional(),
      "Channels that the model is to take: 1 sums the kernels of three, 3 gives each a third of the one.",
      { ...infoOf(inChans), ...asIs },
    ),
    numHeads: field(z.int().min(1).max(1024).optional(), "Heads of attention, which tensors do not tell.", {
      defaultText: "as the checkpoint says, else of the named model of its sizes, else one for 64 features",
    }),
    decoderNumHeads: field(z.int().min(1).max(1024).optional(), "Heads of attention of a decoder.", {
      defaultText: "as the checkpoint says, else of the named model of its sizes, else one for 32 features",
    }),
    mean: field(mean, "Mean per channel, on pixels scaled to [0, 1], that the model was trained with.", {
      ...infoOf(mean),
      defaultText: "as the checkpoint or its layout has it",
    }),
    std: field(std, "Standard deviation per channel, on pixels scaled to [0, 1].", {
      ...infoOf(std),
      defaultText: "as the checkpoint or its layout has it",
    }),
    ...fittingFields,
    overwrite: overwriteField,
    ...runtimeFields,
  }),
  checks: [checkPatches, checkChannels],
});

export type ConvertInput = InputOf<typeof convert>;
export type ConvertOptions = OptionsOf<typeof convert>;
