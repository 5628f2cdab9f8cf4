import { concat, gather, input, reduceSum, reshape, split, topRows } from "../../engine/graph/builders.ts";
import { type Graph, graph } from "../../engine/graph/graph.ts";
import type { Value } from "../../engine/graph/types.ts";
import { type Parameters, parameterInputs } from "../../engine/parameters/specs.ts";
import { attentionProbabilities, type TokenLayout } from "../nn/attention.ts";
import { layerNorm, linear } from "../nn/layers.ts";
import { classifierSpecs, pooledTokens } from "./classifier.ts";
import { type ClassifierConfig, patchCount } from "./config.ts";
import { embed, encode, patchInputs } from "./encoder.ts";

/** Blocks that run on all patches: a quarter of them, at least one, and at least one is left. */
export function earlyBlocks(depth: number): number {
  return Math.min(depth - 1, Math.max(1, Math.round(depth / 4)));
}

/** A classifier on part of the patches. */
export interface Budget {
  batch: number;
  /** Share of the patches that go on, above 0; at least one does. */
  keepRatio: number;
}

/** How many patches of an image go on. */
export function keptPatches(config: ClassifierConfig, keepRatio: number): number {
  return Math.max(1, Math.round(patchCount(config) * keepRatio));
}

/**
 * The forward pass of a classifier in two parts, of which the second, all but the first blocks, runs on part of the patches:
 * those to which the cls token attends most in the block that comes next, the mean over heads. With all patches kept it is the
 * plain forward pass.
 *
 * `first` gives `tokens` [(1 + patches) · batch, D] and `attention` [batch, heads, 1 + patches]; `rest` takes `tokens` and
 * `going` [(1 + kept) · batch] int64, the rows that go on, and gives `logits`.
 *
 * Ours. It is what EViT (Liang et al. 2022) does at one place, without its token for the rest.
 */
export function budgetedClassifierGraphs(config: ClassifierConfig, budget: Budget): { first: Graph; rest: Graph } {
  const { batch, keepRatio } = budget;
  const kept = keptPatches(config, keepRatio);
  const p = parameterInputs(classifierSpecs(config));
  const rows = input("tokens", [(1 + patchCount(config)) * batch, config.embedDim]);
  const going = gather(rows, input("going", [(1 + kept) * batch], "int64"), 0);
  return {
    first: graph(`classify-first-${kept}`, firstBlocks(p, config, batch)),
    rest: graph(`classify-rest-${kept}`, { logits: otherBlocks(going, p, config, { tokens: 1 + kept, batch }) }),
  };
}

/** Both parts of {@link budgetedClassifierGraphs} as one graph that chooses the patches itself: `logits` [batch, classes]. */
export function budgetedClassifierGraph(config: ClassifierConfig, { batch, keepRatio }: Budget): Graph {
  const kept = keptPatches(config, keepRatio);
  const patches = patchCount(config);
  const p = parameterInputs(classifierSpecs(config));
  const { tokens, attention } = firstBlocks(p, config, batch);
  const [, ofPatches] = split(reduceSum(attention, [1]), [1, patches], 1) as [Value, Value];
  const [cls, rows] = split(tokens, [batch, patches * batch], 0) as [Value, Value];
  const going = concat([cls, gather(rows, topRows(ofPatches, kept), 0)], 0);
  return graph(`classify-budget-${kept}`, { logits: otherBlocks(going, p, config, { tokens: 1 + kept, batch }) });
}

/** The first blocks on all patches: their tokens, and the cls token's attention in the block that comes next. */
function firstBlocks(p: Parameters, config: ClassifierConfig, batch: number): { tokens: Value; attention: Value } {
  const { numHeads, depth, normEpsilon } = config;
  const early = earlyBlocks(depth);
  const all = { tokens: 1 + patchCount(config), batch };
  const tokens = encode(embed(p, patchInputs(config, batch, "all"), config, batch), p, config, all, { blocks: early });
  const asking = layerNorm(tokens, p, `blocks.${early}.norm1`, normEpsilon);
  const cls = { from: 0, to: 1 };
  const weights = attentionProbabilities(asking, p, `blocks.${early}.attn`, all, numHeads, cls);
  return { tokens, attention: reshape(weights, [batch, numHeads, all.tokens]) };
}

/** The other blocks and the head on what goes on: logits [batch, classes]. */
function otherBlocks(going: Value, p: Parameters, config: ClassifierConfig, layout: TokenLayout): Value {
  return linear(pooledTokens(going, p, config, layout, { from: earlyBlocks(config.depth) }), p, "head");
}
