import { imagenetNormalization } from "../../images/transforms/normalize.ts";
import { HALF, type Layout } from "./layout.ts";

/** Hugging Face's ViTMAE with its decoder. */
export const hfVitMae: Layout = {
  name: "hf-vitmae",
  title: "Hugging Face's ViTMAE",
  recognises: ({ shapes }) => shapes.has("decoder.decoder_embed.weight"),
  rename: ownKey,
  normalization: imagenetNormalization(3),
};

/** Hugging Face's ViT; also ViTMAE without decoder, which has the same keys. */
export const hfVit: Layout = {
  ...hfVitMae,
  name: "hf-vit",
  title: "Hugging Face's ViT",
  recognises: ({ shapes }) => shapes.has(KERNEL) && !shapes.has("encoder.layer.0.layer_scale1.lambda1"),
  normalization: HALF,
};

/** Hugging Face's DINOv2. */
export const hfDinov2: Layout = {
  ...hfVitMae,
  name: "dinov2",
  title: "Hugging Face's DINOv2",
  recognises: ({ shapes }) => shapes.has(KERNEL),
};

/** The key by which models of Hugging Face are told. */
const KERNEL = "embeddings.patch_embeddings.projection.weight";

/** A block by its number: of files, of later classes, and what the fifth version writes of decoders. */
const BLOCK = /^(?:encoder\.layer|layers|(decoder)\.(?:decoder_layers|decoder_encoder\.layer))\.(\d+)\.(.+)\.(\w+)$/;

/** Parts of a block: of files, of later classes, of DINOv2. */
const PARTS: Readonly<Record<string, string>> = {
  layernorm_before: "norm1",
  layernorm_after: "norm2",
  norm1: "norm1",
  norm2: "norm2",
  "attention.attention.query": "attn.q",
  "attention.attention.key": "attn.k",
  "attention.attention.value": "attn.v",
  "attention.q_proj": "attn.q",
  "attention.k_proj": "attn.k",
  "attention.v_proj": "attn.v",
  "attention.output.dense": "attn.proj",
  "attention.o_proj": "attn.proj",
  "intermediate.dense": "mlp.fc1",
  "output.dense": "mlp.fc2",
  "mlp.fc1": "mlp.fc1",
  "mlp.fc2": "mlp.fc2",
  layer_scale1: "ls1",
  layer_scale2: "ls2",
};

const OUTSIDE: Readonly<Record<string, string>> = {
  "embeddings.cls_token": "cls_token",
  "embeddings.position_embeddings": "pos_embed",
  "embeddings.patch_embeddings.projection.weight": "patch_embed.proj.weight",
  "embeddings.patch_embeddings.projection.bias": "patch_embed.proj.bias",
  "layernorm.weight": "norm.weight",
  "layernorm.bias": "norm.bias",
  "classifier.weight": "head.weight",
  "classifier.bias": "head.bias",
  "decoder.mask_token": "mask_token",
  "decoder.decoder_pos_embed": "decoder_pos_embed",
};

function ownKey(key: string): string | undefined {
  const block = BLOCK.exec(key);
  if (block) {
    const [, decoder, number, part, what] = block;
    const own = PARTS[part as string];
    const name = what === "lambda1" ? "gamma" : what;
    // What is unknown keeps its name, so that loading refuses it instead of passing it over.
    return own === undefined ? key : `${decoder ? "decoder_" : ""}blocks.${number}.${own}.${name}`;
  }
  // The pooler and the mask token serve other heads than a classifier's.
  if (/^(pooler\.|embeddings\.mask_token$)/.test(key)) return undefined;
  return OUTSIDE[key] ?? key.replace(/^decoder\.(decoder_(embed|norm|pred)\.)/, "$1");
}
