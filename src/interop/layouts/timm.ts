import { imagenetNormalization } from "../../images/transforms/normalize.ts";
import { HALF, type Layout } from "./layout.ts";

/**
 * timm's VisionTransformer, whose keys are ours. Those with a head are taken to be of the augreg family, which most are; files
 * of timm's hub say their mean and deviation beside the weights.
 */
export const timm: Layout = {
  name: "timm",
  title: "timm's classifier (augreg)",
  recognises: ({ shapes }) => shapes.has("blocks.0.norm1.weight") && shapes.has("head.weight"),
  rename: (key) =>
    key.replace(/\.attn\.([qkv])_(proj\.)?(weight|bias)$/, ".attn.$1.$3").replace(/\.gamma_([12])$/, ".ls$1.gamma"),
  normalization: HALF,
};

/** timm's encoder without a head: of MAE, DINO and DINOv2 alike, all of which take ImageNet's statistics. */
export const timmEncoder: Layout = {
  ...timm,
  title: "timm's encoder",
  recognises: ({ shapes }) => shapes.has("blocks.0.norm1.weight"),
  normalization: imagenetNormalization(3),
};
