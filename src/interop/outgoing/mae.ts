import { withBatchCounts } from "./batch-counts.ts";
import type { Destination } from "./outgoing.ts";
import { leavingTransformer } from "./vision-transformer.ts";

/**
 * facebookresearch/mae: the pre-trained model without the head that is ours, the classifier of `models_vit.py`, and that with
 * the linear probe's normalisation.
 */
export const toMae: Destination = {
  name: "mae",
  depart(model) {
    const { encoder, head, decoder, globalPool } = leavingTransformer(model);
    if (decoder.size > 0) {
      return {
        tensors: new Map([...encoder, ...decoder]),
        dropped: [...model.tensors.keys()].filter((key) => key.startsWith("head.")),
        beside: {},
        under: "model",
        loads: "models_mae.MaskedAutoencoderViT",
      };
    }
    const probe = withBatchCounts(new Map([...model.tensors].filter(([key]) => /^head\.[01]\./.test(key))));
    return {
      tensors: new Map([...encoder, ...(probe.size > 0 ? probe : head)]),
      dropped: [],
      beside: {},
      under: "model",
      loads: `models_vit.VisionTransformer(global_pool=${globalPool === "avg" ? "True" : "False"})`,
    };
  },
};
