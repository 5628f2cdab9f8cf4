import { z } from "zod";
import { FeedBuilder } from "../feeds.ts";
import { type SwinConfig, type SwinPreset, swin, swinPresets } from "../models/swin.ts";
import { count, size } from "./encoder-schema.ts";
import { imageShape, type NetworkKind, networkKind } from "./network.ts";

/** A transformer whose patches see those of their own window, the paper's strongest comparator. */
export const swinKind: NetworkKind<SwinConfig, SwinPreset> = networkKind({
  name: "swin",
  title: "a Swin Transformer",
  config: z.object({
    ...imageShape,
    patchSize: size,
    embedDim: size,
    depths: z.array(count).min(1).max(6),
    numHeads: z.array(size).min(1).max(6),
    windowSize: z.int().positive().max(64),
    mlpRatio: z.number().positive().max(64),
  }),
  presets: swinPresets,
  network: swin,
  skips: true,
  blocks: ({ depths }) => depths.reduce((sum, depth) => sum + depth, 0),
  decays: (name) => !name.endsWith("relative_position_bias_table"),
  head: "head.fc.",
  rename: timmKey,
  feeder: (config, normalizer) => new FeedBuilder(config, normalizer),
  recognises: (keys) => keys.has("layers.0.blocks.0.attn.relative_position_bias_table"),
  tags: ["swin-transformer"],
  citation: `@inproceedings{liu2021,
  title     = {Swin Transformer: Hierarchical vision transformer using shifted windows},
  author    = {Liu, Ze and Lin, Yutong and Cao, Yue and Hu, Han and Wei, Yixuan and Zhang, Zheng and Lin, Stephen and Guo, Baining},
  booktitle = {ICCV},
  year      = {2021}
}`,
});

/**
 * timm's key of today. Earlier files and those of the authors keep tables beside the weights that follow from the sizes, have
 * patches merged at the end of a stage instead of at the start of the next, and call the head otherwise.
 */
function timmKey(key: string, keys: ReadonlySet<string>): string | undefined {
  if (/\.(relative_position_index|attn_mask)$/.test(key)) return undefined;
  const head = /^head\.(weight|bias)$/.exec(key);
  if (head) return `head.fc.${head[1]}`;
  if (!keys.has("layers.0.downsample.norm.weight")) return key;
  return key.replace(/^layers\.(\d+)\.downsample\./, (_, stage) => `layers.${Number(stage) + 1}.downsample.`);
}
