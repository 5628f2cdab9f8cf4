import { MsmaeError } from "../../support/errors.ts";

/** What our vision transformers have no part for: the key that tells it, and its name. */
const FOREIGN: readonly (readonly [key: RegExp, name: string])[] = [
  [/(relative_position_bias_table|rel_pos_bias\.|relative_position_bias\.)/, "a relative position bias (BEiT)"],
  [/(^|\.)(reg_token|register_tokens)$/, "register tokens"],
  [/(^|\.)(rope|rope_embed)\./, "rotary positions (DINOv3, EVA)"],
  [/\.rel_pos_[hw]$/, "relative positions (SAM)"],
  [/(^|\.)(dist_token|distillation_token|distillation_classifier\.\w+)$/, "a distillation token (DeiT)"],
  [/\.mlp\.(w12|w3|fc1_g|gate_proj|weights_in)\./, "a gated MLP (SwiGLU)"],
  [/\.attn\.[qk]_norm\./, "normalised queries and keys"],
  [/(^|\.)(norm_pre|pre_layrnorm)\./, "a norm before the blocks (CLIP)"],
  [/(^|\.)attn_pool\./, "attention pooling"],
  [/^patch_embed\.backbone\./, "a convolutional stem (hybrid)"],
];

/** @throws MsmaeError Checkpoint that names what a model has and ours have not. */
export function refuseForeignParts(where: string, keys: Iterable<string>): void {
  const found = [...keys];
  const name = FOREIGN.find(([pattern]) => found.some((key) => pattern.test(key)))?.[1];
  if (name !== undefined) throw foreignPart(where, name);
  // Patches alone would be attended to otherwise.
  if (!found.some((key) => /(^|\.)cls_token$/.test(key))) throw foreignPart(where, "no cls token");
}

/** The refusal of a model whose outputs ours could not give. */
export function foreignPart(where: string, got: string): MsmaeError {
  return new MsmaeError("Checkpoint", {
    where,
    expected: "a vision transformer of patches with a cls token, a position table, LayerNorm, GELU and nothing else",
    got: `one with ${got}`,
    todo: "use a checkpoint of another model",
  });
}
