import { z } from "zod";
import { ImageFeeds } from "../image-feeds.ts";
import { type ResNetConfig, type ResNetPreset, resnet, resnetPresets } from "../models/resnet.ts";
import { count, size } from "./encoder-schema.ts";
import { imageShape, type NetworkKind, networkKind } from "./network.ts";

/** A residual network of convolutions, the classifier that clinical readers know best. */
export const resnetKind: NetworkKind<ResNetConfig, ResNetPreset> = networkKind({
  name: "resnet",
  title: "a residual network",
  config: z.object({ ...imageShape, width: size, depths: z.array(count).min(1).max(6) }),
  presets: resnetPresets,
  network: resnet,
  skips: false,
  blocks: () => 0,
  decays: () => true,
  head: "fc.",
  rename: (key) => key,
  feeder: (config, normalizer) => new ImageFeeds(config, normalizer),
  recognises: (keys) => keys.has("layer1.0.conv1.weight") && keys.has("fc.weight"),
  tags: ["resnet", "convolutional-network"],
  citation: `@inproceedings{he2016,
  title     = {Deep residual learning for image recognition},
  author    = {He, Kaiming and Zhang, Xiangyu and Ren, Shaoqing and Sun, Jian},
  booktitle = {CVPR},
  year      = {2016}
}`,
});
