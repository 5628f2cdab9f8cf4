import { imagenetNormalization } from "../../images/transforms/normalize.ts";
import type { Layout } from "./layout.ts";

/** facebookresearch/mae: pre-trained, fine-tuned on averaged patches, linear probe. Its keys are ours. */
export const mae: Layout = {
  name: "mae",
  title: "MAE (facebookresearch/mae)",
  recognises: ({ shapes }) =>
    shapes.has("decoder_embed.weight") ||
    shapes.has("head.0.running_mean") ||
    (shapes.has("fc_norm.weight") && shapes.has("blocks.0.norm1.weight")),
  rename: (key) => key,
  normalization: imagenetNormalization(3),
};
