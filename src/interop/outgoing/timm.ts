import type { Destination } from "./outgoing.ts";
import { leavingTransformer } from "./vision-transformer.ts";

/** timm's VisionTransformer: an encoder with the head, if there is one. */
export const toTimm: Destination = {
  name: "timm",
  depart(model) {
    const { config, globalPool, encoder, head, decoder, classes } = leavingTransformer(model);
    const { inputHeight, inputWidth, patchSize, embedDim, depth, numHeads, mlpRatio, inChans, normEpsilon } = config;
    const options = [
      `img_size=(${inputHeight}, ${inputWidth})`,
      ...[`patch_size=${patchSize}`, `in_chans=${inChans}`, `num_classes=${classes}`],
      `global_pool="${globalPool === "avg" ? "avg" : "token"}"`,
      ...[`embed_dim=${embedDim}`, `depth=${depth}`, `num_heads=${numHeads}`, `mlp_ratio=${mlpRatio}`],
      ...(normEpsilon === undefined ? [] : [`norm_layer=partial(torch.nn.LayerNorm, eps=${normEpsilon})`]),
    ];
    return {
      tensors: new Map([...encoder, ...head]),
      dropped: [...decoder.keys()],
      beside: {},
      loads: `timm.models.vision_transformer.VisionTransformer(${options.join(", ")})`,
    };
  },
};
