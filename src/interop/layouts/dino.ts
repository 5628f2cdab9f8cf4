import { imagenetNormalization } from "../../images/transforms/normalize.ts";
import type { Contents, Layout } from "./layout.ts";

/** The heads that training alone needs. */
const HEADS = /^(head|dino_head|ibot_head)\.(mlp\.|last_layer)/;

/** Whether it is what self-distillation keeps: told by the name of the copy, or by the heads. */
function distilled({ wrapper, shapes }: Contents): boolean {
  return /(^|\.)(teacher|student)\./.test(wrapper) || [...shapes.keys()].some((key) => HEADS.test(key));
}

/** facebookresearch/dino: timm's keys, and the head that training alone needs. */
export const dino: Layout = {
  name: "dino",
  title: "DINO (facebookresearch/dino)",
  recognises: (contents) => distilled(contents) && !scaled(contents.shapes.keys()),
  rename: (key) => (/^(head|dino_head|ibot_head)\./.test(key) ? undefined : key),
  normalization: imagenetNormalization(3),
};

/** facebookresearch/dinov2: branches scaled, a mask token that only training needs, blocks in chunks or not. */
export const dinov2: Layout = {
  ...dino,
  name: "dinov2",
  title: "DINOv2 (facebookresearch/dinov2)",
  recognises: ({ shapes }) => shapes.has("mask_token") && !shapes.has("decoder_embed.weight") && scaled(shapes.keys()),
  rename: (key) => {
    if (key === "mask_token" || /^(head|dino_head|ibot_head)\./.test(key)) return undefined;
    // Chunks number the blocks through: the first number says only where a block is computed.
    return key.replace(/^blocks\.\d+\.(\d+)\./, "blocks.$1.");
  },
};

function scaled(keys: Iterable<string>): boolean {
  return [...keys].some((key) => /^blocks\.(\d+\.)?\d+\.ls1\.gamma$/.test(key));
}
