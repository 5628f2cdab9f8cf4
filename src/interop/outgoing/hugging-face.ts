import { MsmaeError } from "../../support/errors.ts";
import type { TensorToStore } from "../safetensors.ts";
import type { Departure, Destination, LeavingModel } from "./outgoing.ts";
import { type LeavingTransformer, leavingTransformer } from "./vision-transformer.ts";

/** Hugging Face's ViTMAEForPreTraining, ViTForImageClassification and ViTModel, with what they read beside the weights. */
export const toHuggingFace: Destination = {
  name: "hf",
  depart(model) {
    const parts = leavingTransformer(model);
    if (parts.globalPool === "avg") {
      throw new MsmaeError("Checkpoint", {
        where: model.where,
        expected: "a model that reads the cls token, as Hugging Face's do",
        got: "one that averages its patches",
        todo: "use --to timm, or fine-tune with --global-pool cls",
      });
    }
    const { encoder, decoder, head } = parts;
    const bare = decoder.size === 0 && head.size === 0;
    const leaving = [...encoder, ...(decoder.size > 0 ? decoder : head)];
    return {
      tensors: new Map(leaving.flatMap(([key, tensor]) => renamed(key, tensor, bare ? "" : "vit."))),
      dropped: decoder.size > 0 ? [...model.tensors.keys()].filter((key) => key.startsWith("head.")) : [],
      ...description(parts, model, bare),
    };
  },
};

const PARTS: readonly (readonly [own: RegExp, theirs: string])[] = [
  [/\.norm1\./, ".layernorm_before."],
  [/\.norm2\./, ".layernorm_after."],
  [/\.attn\.proj\./, ".attention.output.dense."],
  [/\.mlp\.fc1\./, ".intermediate.dense."],
  [/\.mlp\.fc2\./, ".output.dense."],
  [/^decoder_blocks\./, "decoder.decoder_layers."],
  [/^(decoder_|mask_token$)/, "decoder.$1"],
];

const ENCODER: readonly (readonly [own: RegExp, theirs: string])[] = [
  [/^blocks\./, "encoder.layer."],
  [/^cls_token$/, "embeddings.cls_token"],
  [/^pos_embed$/, "embeddings.position_embeddings"],
  [/^patch_embed\.proj\./, "embeddings.patch_embeddings.projection."],
  [/^norm\./, "layernorm."],
];

/** Under Hugging Face's key; queries, keys and values apart. */
function renamed(key: string, tensor: TensorToStore, prefix: string): [string, TensorToStore][] {
  if (key.startsWith("head.")) return [[key.replace("head.", "classifier."), tensor]];
  const within = PARTS.reduce((name, [own, theirs]) => name.replace(own, theirs), key);
  const theirs = within.startsWith("decoder.")
    ? within
    : prefix + ENCODER.reduce((name, [own, other]) => name.replace(own, other), within);
  if (!theirs.includes(".attn.qkv.")) return [[theirs, tensor]];
  const [rows = 0, ...rest] = tensor.shape;
  const third = tensor.data.length / 3;
  return ["query", "key", "value"].map((part, at) => [
    theirs.replace(".attn.qkv.", `.attention.attention.${part}.`),
    { shape: [rows / 3, ...rest], data: tensor.data.slice(at * third, (at + 1) * third) },
  ]);
}

function description(
  { config, decoder, head, classes }: LeavingTransformer,
  { description: own }: LeavingModel,
  bare: boolean,
): Pick<Departure, "beside" | "loads"> {
  const { inputHeight: height, inputWidth: width, embedDim, mlpRatio } = config;
  const { decoderEmbedDim = 0, decoderDepth, decoderNumHeads } = config;
  const loads = decoder.size > 0 ? "ViTMAEForPreTraining" : bare ? "ViTModel" : "ViTForImageClassification";
  const painting = {
    decoder_hidden_size: decoderEmbedDim,
    decoder_num_hidden_layers: decoderDepth,
    decoder_num_attention_heads: decoderNumHeads,
    decoder_intermediate_size: Math.round(decoderEmbedDim * mlpRatio),
    norm_pix_loss: "normPixLoss" in own && own.normPixLoss === true,
  };
  const naming = {
    id2label: Object.fromEntries(own.classNames.map((name, index) => [index, name])),
    label2id: Object.fromEntries(own.classNames.map((name, index) => [name, index])),
  };
  const model = {
    architectures: [loads],
    model_type: decoder.size > 0 ? "vit_mae" : "vit",
    hidden_size: embedDim,
    num_hidden_layers: config.depth,
    num_attention_heads: config.numHeads,
    intermediate_size: Math.round(embedDim * mlpRatio),
    hidden_act: "gelu",
    hidden_dropout_prob: 0,
    attention_probs_dropout_prob: 0,
    layer_norm_eps: config.normEpsilon ?? 1e-6,
    image_size: height === width ? height : [height, width],
    patch_size: config.patchSize,
    num_channels: config.inChans,
    qkv_bias: true,
    ...(decoder.size > 0 ? painting : head.size > 0 && own.classNames.length === classes ? naming : {}),
  };
  const pixels = {
    image_processor_type: "ViTImageProcessor",
    do_resize: true,
    // Bilinear, as images are resized for evaluation here.
    resample: 2,
    size: { height, width },
    do_rescale: true,
    rescale_factor: 1 / 255,
    do_normalize: true,
    image_mean: own.mean,
    image_std: own.std,
  };
  return {
    beside: { "config.json": model, "preprocessor_config.json": pixels },
    loads: `${loads}.from_pretrained(folder)${bare ? " with add_pooling_layer=False" : ""}`,
  };
}
