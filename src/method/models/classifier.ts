import { input, reduceMean, reshape } from "../../engine/graph/builders.ts";
import { type Graph, graph } from "../../engine/graph/graph.ts";
import type { Value } from "../../engine/graph/types.ts";
import {
  layerNormSpecs,
  linearSpecs,
  type ParameterSpec,
  type Parameters,
  parameterInputs,
} from "../../engine/parameters/specs.ts";
import { type Remembering, trainingOutputs } from "../../engine/parameters/training-outputs.ts";
import { type TokenLayout, tokenRows } from "../nn/attention.ts";
import { layerNorm, linear } from "../nn/layers.ts";
import { crossEntropy } from "../nn/losses.ts";
import { type ClassifierConfig, checkConfig, type GlobalPool, patchCount } from "./config.ts";
import { type EncoderOptions, embed, encode, encoderSpecs, patchInputs } from "./encoder.ts";

/** Patches of each image that run: those masking keeps, or all of them. */
export type KeptPatches = number | "all";

/** The tensors of a classifier, under timm's checkpoint keys. */
export function classifierSpecs(config: ClassifierConfig): ParameterSpec[] {
  checkConfig(config);
  const { embedDim, numClasses, globalPool } = config;
  return [
    ...encoderSpecs(config, "trained"),
    ...layerNormSpecs(normOf(globalPool), embedDim),
    ...linearSpecs("head", embedDim, numClasses, { kind: "truncated-normal", std: 2e-5 }),
  ];
}

/** The key of the norm that what is pooled goes through. */
export function normOf(globalPool: GlobalPool): "norm" | "fc_norm" {
  return globalPool === "avg" ? "fc_norm" : "norm";
}

/**
 * One fine-tuning step: loss and the gradient of every tensor.
 *
 * Inputs: `patches` and, unless all run, `positions` (see PatchInputs); `classTargets` [batch, classes] float32, soft
 * or smoothed; `dropPath` [depth, 2, batch] float32 where a rate is not 0. Outputs: `loss`, `logits` [batch, classes]
 * and `grad/<key>`. `loss` makes another loss of the logits, with inputs of
 * its own in place of `classTargets`; by default it is the cross-entropy.
 * Source: method.md section 5.
 */
export function finetuneGraph(
  config: ClassifierConfig,
  options: {
    batch: number;
    kept: KeptPatches;
    dropPathRates?: readonly number[];
    loss?: (logits: Value) => Value;
  } & Remembering,
): Graph {
  const { batch, kept, dropPathRates = [], loss: lossOf } = options;
  const specs = classifierSpecs(config);
  const p = parameterInputs(specs);
  const logits = classify(p, config, batch, kept, dropPathRates);
  const loss = lossOf?.(logits) ?? crossEntropy(logits, input("classTargets", [batch, config.numClasses]));
  return graph(`finetune-${kept}`, { loss, logits, ...trainingOutputs(loss, p, options) });
}

/** The forward pass for evaluation: `logits` [batch, classes]. */
export function classifierGraph(
  config: ClassifierConfig,
  { batch, kept }: { batch: number; kept: KeptPatches },
): Graph {
  return graph(`classify-${kept}`, {
    logits: classify(parameterInputs(classifierSpecs(config)), config, batch, kept, []),
  });
}

/** Drop-path rates rising linearly from 0 to `largest` over the blocks; a single block is never dropped. */
export function dropPathRates(depth: number, largest: number): number[] {
  return Array.from({ length: depth }, (_, i) => (depth === 1 ? 0 : (largest * i) / (depth - 1)));
}

function classify(
  p: Parameters,
  config: ClassifierConfig,
  batch: number,
  kept: KeptPatches,
  rates: readonly number[],
): Value {
  return linear(pooledFeatures(p, config, { batch, kept, dropPathRates: rates }), p, "head");
}

/**
 * What a classifier's head reads, [batch, D]: the cls token after `norm`, or the mean of the patch tokens after `fc_norm`.
 * Inputs: those of {@link patchInputs}, and `dropPath` where a rate is not 0.
 */
export function pooledFeatures(
  p: Parameters,
  config: ClassifierConfig,
  options: { batch: number; kept: KeptPatches; dropPathRates?: readonly number[] },
): Value {
  const { depth } = config;
  const { batch, kept, dropPathRates: rates = [] } = options;
  const layout = { tokens: 1 + (kept === "all" ? patchCount(config) : kept), batch };
  const tokens = embed(p, patchInputs(config, batch, kept), config, batch);
  const dropPath = rates.some((rate) => rate > 0)
    ? { factors: input("dropPath", [depth, 2, batch]), rates }
    : undefined;
  return pooledTokens(tokens, p, config, layout, { dropPath });
}

/** Rows of tokens through the encoder's blocks, from `from` on, to what a classifier's head reads: [batch, D]. */
export function pooledTokens(
  tokens: Value,
  p: Parameters,
  config: ClassifierConfig,
  layout: TokenLayout,
  options: Pick<EncoderOptions, "dropPath" | "from">,
): Value {
  const { embedDim, globalPool, normEpsilon } = config;
  const { batch } = layout;
  const lastQueries = globalPool === "cls" ? { from: 0, to: 1 } : undefined;
  const rows = encode(tokens, p, config, layout, { ...options, lastQueries });
  if (globalPool === "cls") return layerNorm(rows, p, "norm", normEpsilon);
  const patches = tokenRows(rows, layout, { from: 1, to: layout.tokens });
  const pooled = reduceMean(reshape(patches, [layout.tokens - 1, batch, embedDim]), [0]);
  return layerNorm(pooled, p, "fc_norm", normEpsilon);
}
