import { add, input, maxPool, reduceMean, relu } from "../../engine/graph/builders.ts";
import type { Value } from "../../engine/graph/types.ts";
import {
  type BatchNormMode,
  batchNorm,
  batchNormSpecs,
  type ConvShape,
  conv2d,
  conv2dSpecs,
} from "../../engine/layers/convolution.ts";
import { linearSpecs, type ParameterSpec, type Parameters } from "../../engine/parameters/specs.ts";
import { linear } from "../nn/layers.ts";
import type { ImageModelConfig } from "./config.ts";
import type { Network } from "./network.ts";

/** The sizes of a residual network of basic blocks that its name stands for. */
export interface ResNetPreset {
  /** Channels of the first stage; each later stage has twice those of the one before it. */
  width: number;
  /** Blocks of each stage. */
  depths: readonly number[];
}

export type ResNetConfig = ResNetPreset & ImageModelConfig;

/** Residual networks by name; micro is ours for small machines. Source: He et al. 2016, table 1. */
export const resnetPresets: Readonly<Record<string, ResNetPreset>> = {
  resnet_micro: { width: 16, depths: [1, 1, 1, 1] },
  resnet18: { width: 64, depths: [2, 2, 2, 2] },
};

/** A basic block: its key, the channels it takes and gives, and its stride. */
interface BasicBlock {
  prefix: string;
  inChannels: number;
  outChannels: number;
  stride: 1 | 2;
}

function blocksOf({ width, depths }: ResNetPreset): BasicBlock[] {
  return depths.flatMap((depth, stage) =>
    Array.from({ length: depth }, (_, i): BasicBlock => {
      const outChannels = width * 2 ** stage;
      const first = i === 0 && stage > 0;
      return {
        prefix: `layer${stage + 1}.${i}`,
        inChannels: first ? outChannels / 2 : outChannels,
        outChannels,
        stride: first ? 2 : 1,
      };
    }),
  );
}

/** Whether the way around a block is a convolution, because what goes in has another shape than what comes out. */
const narrows = ({ stride }: BasicBlock) => stride === 2;

/**
 * A residual network under torchvision's and timm's keys, with torchvision's first values. Input: `images`
 * [batch, C, H, W] float32.
 * Source: He et al. 2016, "Deep residual learning for image recognition".
 */
export const resnet: Network<ResNetConfig> = {
  specs(config) {
    const { width, depths, inChans, numClasses } = config;
    const features = width * 2 ** (depths.length - 1);
    return [
      ...convNormSpecs(["conv1", "bn1"], { inChannels: inChans, outChannels: width, kernel: [7, 7] }),
      ...blocksOf(config).flatMap(blockSpecs),
      ...linearSpecs("fc", features, numClasses, { kind: "uniform", bound: 1 / Math.sqrt(features) }),
    ];
  },
  logits(p, config, { batch, mode }) {
    const { inChans, inputHeight, inputWidth } = config;
    const images = input("images", [batch, inChans, inputHeight, inputWidth]);
    const stem = relu(convNorm(images, p, ["conv1", "bn1"], mode, { stride: 2, pad: 3 }));
    const pooled = maxPool(stem, [3, 3], { strides: [2, 2], pads: [1, 1, 1, 1] });
    const features = blocksOf(config).reduce((x, block) => basicBlock(x, p, block, mode), pooled);
    return linear(reduceMean(features, [2, 3]), p, "fc");
  },
};

function blockSpecs(block: BasicBlock): ParameterSpec[] {
  const { prefix, inChannels, outChannels } = block;
  const kernel = [3, 3] as const;
  return [
    ...convNormSpecs([`${prefix}.conv1`, `${prefix}.bn1`], { inChannels, outChannels, kernel }),
    ...convNormSpecs([`${prefix}.conv2`, `${prefix}.bn2`], { inChannels: outChannels, outChannels, kernel }),
    ...(narrows(block) ? convNormSpecs(downsample(prefix), { inChannels, outChannels, kernel: [1, 1] }) : []),
  ];
}

function basicBlock(x: Value, p: Parameters, block: BasicBlock, mode: BatchNormMode): Value {
  const { prefix, stride } = block;
  const inner = relu(convNorm(x, p, [`${prefix}.conv1`, `${prefix}.bn1`], mode, { stride, pad: 1 }));
  const changed = convNorm(inner, p, [`${prefix}.conv2`, `${prefix}.bn2`], mode, { stride: 1, pad: 1 });
  const around = narrows(block) ? convNorm(x, p, downsample(prefix), mode, { stride, pad: 0 }) : x;
  return relu(add(changed, around));
}

type Keys = readonly [conv: string, norm: string];

const downsample = (prefix: string): Keys => [`${prefix}.downsample.0`, `${prefix}.downsample.1`];

/** A convolution that starts as He et al. 2015 say, by the number of values that each input has a part in. */
function convNormSpecs([conv, norm]: Keys, shape: Omit<ConvShape, "bias">): ParameterSpec[] {
  const { outChannels, kernel } = shape;
  const init = { kind: "normal", std: Math.sqrt(2 / (outChannels * kernel[0] * kernel[1])) } as const;
  return [
    ...conv2dSpecs(conv, { ...shape, bias: false }).map((spec) => ({ ...spec, init })),
    ...batchNormSpecs(norm, outChannels),
  ];
}

function convNorm(
  x: Value,
  p: Parameters,
  [conv, norm]: Keys,
  mode: BatchNormMode,
  { stride, pad }: { stride: number; pad: number },
): Value {
  const convolved = conv2d(x, p, conv, { bias: false, strides: [stride, stride], pads: [pad, pad, pad, pad] });
  return batchNorm(convolved, p, norm, mode);
}
