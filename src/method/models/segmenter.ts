import { add, concat, constant, gather, input, mul, scalar } from "../../engine/graph/builders.ts";
import { type Graph, graph } from "../../engine/graph/graph.ts";
import type { Value } from "../../engine/graph/types.ts";
import type { BatchNormMode } from "../../engine/layers/convolution.ts";
import { resize2d } from "../../engine/layers/resize.ts";
import { type ParameterSpec, type Parameters, parameterInputs } from "../../engine/parameters/specs.ts";
import { type Remembering, trainingOutputs } from "../../engine/parameters/training-outputs.ts";
import { IGNORED } from "../../support/ignored.ts";
import { tokenImages, tokenRows } from "../nn/attention.ts";
import type { Grid } from "../nn/pos-embed.ts";
import {
  type MaskLossName,
  type MaskLossOptions,
  maskLoss,
  maskProbabilities,
  targetsOfClasses,
} from "../nn/segmentation-losses.ts";
import { checkConfig, type EncoderConfig, gridOf, patchCount } from "./config.ts";
import { embed, encodeBlocks, encoderSpecs, patchInputs } from "./encoder.ts";
import type { HeadShape, SegmentationHead } from "./heads/head.ts";
import { light } from "./heads/light.ts";
import { setrNaive } from "./heads/setr-naive.ts";
import { setrPup } from "./heads/setr-pup.ts";

/** The heads that a segmenter may have, by name. */
export const HEADS = ["setr-pup", "setr-naive", "light"] as const;
export type HeadName = (typeof HEADS)[number];

const segmentationHeads: Readonly<Record<HeadName, SegmentationHead>> = {
  "setr-pup": setrPup,
  "setr-naive": setrNaive,
  light,
};

/** A Vision Transformer of which every patch is shown, and heads that tell the class of each pixel. */
export interface SegmenterConfig extends EncoderConfig {
  head: HeadName;
  /** Channels within a head. */
  headWidth: number;
  /** Blocks, from 0, after which heads look into the encoder. The last one's head tells. */
  taps: readonly number[];
  /** Whether the heads of the other taps are there too: they only teach. */
  deepSupervision: boolean;
}

/**
 * The blocks that the paper's heads look after, 4, 6, 8 and 12 of 12, of an encoder of another depth: numbers from 0, each
 * once.
 */
export function defaultTaps(depth: number): number[] {
  return [...new Set([4, 6, 8, 12].map((block) => Math.max(0, Math.round((block * depth) / 12) - 1)))];
}

/** Values told of each pixel: one for two classes, how likely it is the second; else one for each class. */
export function outputsOf({ numClasses }: EncoderConfig): number {
  return numClasses === 2 ? 1 : numClasses;
}

/** The tensors of a segmenter: the encoder's under timm's keys, the heads' under the published program's. */
export function segmenterSpecs(config: SegmenterConfig): ParameterSpec[] {
  checkConfig(config);
  const { embedDim: features, headWidth: width } = config;
  const shape: HeadShape = { features, width, outputs: outputsOf(config) };
  const head = segmentationHeads[config.head];
  return [...encoderSpecs(config, "trained"), ...headsOf(config).flatMap((i) => head.specs(prefixOf(i), shape))];
}

/**
 * What each pixel is for evaluation, [batch, outputs, height, width] of a size: `logits`, or `probabilities` in [0, 1].
 * Input: `patches` of whole images.
 */
export function segmenterGraph(
  config: SegmenterConfig,
  { batch, size, output = "logits" }: { batch: number; size: Grid; output?: "logits" | "probabilities" },
): Graph {
  const p = parameterInputs(segmenterSpecs(config));
  const heads = segment(p, { ...config, deepSupervision: false }, { batch, size, mode: "evaluation" });
  const logits = heads.at(-1) as Value;
  return graph("segment", { [output]: output === "logits" ? logits : maskProbabilities(logits) });
}

/** What a segmenter is run on. */
export interface SegmentRun {
  batch: number;
  /** Of the logits, in pixels. */
  size: Grid;
  mode: BatchNormMode;
  /** How many patches of an image run; the heads see zeros in place of the others. Default `all`. */
  kept?: number | "all";
}

/**
 * Logits [batch, outputs, height, width] of each head, that of the last tap at the end. The encoder's final norm has no
 * part in it. Inputs: those of {@link patchInputs}, and where not all patches run `places` [patches · batch] int64, for
 * each patch of the grid its row among those that run, or the number of those.
 * Source: method.md section 6.
 */
export function segment(
  p: Parameters,
  config: SegmenterConfig,
  { batch, size, mode, kept = "all" }: SegmentRun,
): Value[] {
  const { taps, head, embedDim } = config;
  const patches = patchCount(config);
  const layout = { tokens: 1 + (kept === "all" ? patches : kept), batch };
  const tokens = embed(p, patchInputs(config, batch, kept), config, batch);
  const after = encodeBlocks(tokens, p, config, layout, { blocks: 1 + Math.max(...taps) });
  // All heads share it.
  const places = kept === "all" ? undefined : input("places", [patches * batch], "int64");
  const whole = (rows: Value) => {
    if (!places) return rows;
    const nothing = constant(new Float64Array(embedDim), [1, embedDim]);
    return gather(concat([rows, nothing], 0), places, 0);
  };
  return headsOf(config).map((i) => {
    const rows = tokenRows(after[taps[i] as number] as Value, layout, { from: 1, to: layout.tokens });
    const features = tokenImages(whole(rows), gridOf(config), batch);
    return resize2d(
      segmentationHeads[head].forward(features, p, prefixOf(i), mode),
      [size.height, size.width],
      "bilinear",
    );
  });
}

/** The taps that have a head, by their places in the list. */
function headsOf({ taps, deepSupervision }: SegmenterConfig): number[] {
  return taps.map((_, i) => i).slice(deepSupervision ? 0 : -1);
}

const prefixOf = (tap: number) => `heads.Head${tap}`;

/** What a segmenter's training is told by. */
export interface SegmentLoss extends MaskLossOptions {
  loss: MaskLossName;
}

/**
 * One training step: `loss`, the mean of the heads' losses, `logits` of the last head where asked for, the gradient of every
 * tensor and the next running statistics. Inputs: those of {@link segment}, and `classes` [batch, 1, height, width] uint8,
 * 255 for pixels that do not count.
 * Source: method.md section 6.
 */
export function segmentTrainingGraph(
  config: SegmenterConfig,
  {
    loss: name,
    ...options
  }: { batch: number; size: Grid; kept?: number | "all"; tellLogits?: boolean } & SegmentLoss & Remembering,
): Graph {
  const { batch, size, kept = "all", tellLogits = false } = options;
  const p = parameterInputs(segmenterSpecs(config));
  const classes = input("classes", [batch, 1, size.height, size.width], "uint8");
  const mask = targetsOfClasses(classes, outputsOf(config), IGNORED);
  const logits = segment(p, config, { batch, size, mode: "training", kept });
  const [first, ...others] = logits.map((told) => maskLoss(name, told, mask, options)) as [Value, ...Value[]];
  const loss = mul(others.reduce(add, first), scalar(1 / logits.length));
  const told: Record<string, Value> = tellLogits ? { logits: logits.at(-1) as Value } : {};
  return graph(`train-segmenter-${kept}`, { loss, ...told, ...trainingOutputs(loss, p, options) });
}
