import { z } from "zod";
import { FeedBuilder } from "../feeds.ts";
import { ATTENDED_ROLES, type AttendedRole } from "../masking/policy.ts";
import type { MaeConfig } from "../models/config.ts";
import { maeSpecs } from "../models/mae.ts";
import { type DecoderPreset, type EncoderPreset, pretrainPresets } from "../models/presets.ts";
import { count, encoderShape, size } from "./encoder-schema.ts";
import type { ModelKind } from "./kind.ts";

interface PretrainedFacts {
  normPixLoss: boolean;
  /** What became of the patches attended most; absent where they were hidden, as in the paper. */
  attended?: AttendedRole | undefined;
}

/** The masked autoencoder with its classification head: what pre-training leaves. */
export const pretrainedKind: ModelKind<MaeConfig, PretrainedFacts, EncoderPreset & DecoderPreset> = {
  name: "pretrained",
  title: "a pre-trained model",
  wanted: "a pre-trained model with its decoder",
  writtenBy: "msmae pretrain",
  config: z.object({ ...encoderShape, decoderEmbedDim: size, decoderDepth: count, decoderNumHeads: size }),
  facts: z.object({ normPixLoss: z.boolean(), attended: z.enum(ATTENDED_ROLES).optional() }),
  presets: pretrainPresets,
  classifies: false,
  card: {
    pipelineTag: "image-feature-extraction",
    use: "Starting weights for fine-tuning on medical images of a similar kind.",
    output: () => "the encoder gives one vector per patch and one for the whole image",
  },
  specs: maeSpecs,
  feeder: (config, normalizer) => new FeedBuilder(config, normalizer),
  encoder: (config) => config,
  recognises: (keys) => [...keys].some((key) => key.startsWith("decoder_") || key === "mask_token"),
};
