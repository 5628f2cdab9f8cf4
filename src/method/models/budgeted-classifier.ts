import { gather, input, reshape } from "../../engine/graph/builders.ts";
import { type Graph, graph } from "../../engine/graph/graph.ts";
import { parameterInputs } from "../../engine/parameters/specs.ts";
import { attentionProbabilities } from "../nn/attention.ts";
import { layerNorm, linear } from "../nn/layers.ts";
import { classifierSpecs, pooledTokens } from "./classifier.ts";
import { type ClassifierConfig, patchCount } from "./config.ts";
import { embed, encode, patchInputs } from "./encoder.ts";

/** Blocks that run on all patches: a quarter of them, at least one, and at least one is left. */
export function earlyBlocks(depth: number): number {
  return Math.min(depth - 1, Math.max(1, Math.round(depth / 4)));
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
 *
 * @param keepRatio share of the patches that go on, above 0; at least one does.
 */
export function budgetedClassifierGraphs(
  config: ClassifierConfig,
  { batch, keepRatio }: { batch: number; keepRatio: number },
): { first: Graph; rest: Graph; kept: number } {
  const { embedDim, numHeads, depth } = config;
  const patches = patchCount(config);
  const kept = Math.max(1, Math.round(patches * keepRatio));
  const early = earlyBlocks(depth);
  const p = parameterInputs(classifierSpecs(config));
  const all = { tokens: 1 + patches, batch };
  const tokens = encode(embed(p, patchInputs(config, batch, "all"), config, batch), p, config, all, { blocks: early });
  const asking = layerNorm(tokens, p, `blocks.${early}.norm1`, config.normEpsilon);
  const cls = { from: 0, to: 1 };
  const weights = attentionProbabilities(asking, p, `blocks.${early}.attn`, all, numHeads, cls);
  const attention = reshape(weights, [batch, numHeads, all.tokens]);

  const layout = { tokens: 1 + kept, batch };
  const rows = input("tokens", [all.tokens * batch, embedDim]);
  const going = gather(rows, input("going", [layout.tokens * batch], "int64"), 0);
  const logits = linear(pooledTokens(going, p, config, layout, { from: early }), p, "head");
  const first = graph(`classify-first-${kept}`, { tokens, attention });
  return { first, rest: graph(`classify-rest-${kept}`, { logits }), kept };
}
