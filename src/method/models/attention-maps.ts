import { reshape } from "../../engine/graph/builders.ts";
import { type Graph, graph } from "../../engine/graph/graph.ts";
import { parameterInputs } from "../../engine/parameters/specs.ts";
import { attentionProbabilities } from "../nn/attention.ts";
import { layerNorm } from "../nn/layers.ts";
import { type EncoderConfig, patchCount } from "./config.ts";
import { embed, encode, encoderSpecs, patchInputs } from "./encoder.ts";

/**
 * The cls token's attention in the last block: `attention` [batch, heads, 1 + patches] float32, softmaxed, the cls
 * column first. Input: `patches` of the whole image in order. In the last block only the cls query and the keys are
 * computed: no values, no projection, no MLP. Source: method.md section 2.
 */
export function attentionMapGraph(config: EncoderConfig, batch: number): Graph {
  const p = parameterInputs(encoderSpecs(config, "fixed"));
  const layout = { tokens: 1 + patchCount(config), batch };
  const last = config.depth - 1;
  const tokens = embed(p, patchInputs(config, batch, "all"), config, batch);
  const rows = encode(tokens, p, config, layout, { blocks: last });
  const normalized = layerNorm(rows, p, `blocks.${last}.norm1`);
  const cls = { from: 0, to: 1 };
  const attention = attentionProbabilities(normalized, p, `blocks.${last}.attn`, layout, config.numHeads, cls);
  return graph("attention-maps", { attention: reshape(attention, [batch, config.numHeads, layout.tokens]) });
}

/**
 * Map weights of one image from its attention [heads, 1 + patches]: per head the minimum is subtracted and the result
 * divided by its maximum, then the heads are averaged. Float values in [0, 1], one per patch.
 * A head whose attention is the same everywhere has no maximum to divide by and counts as 0.
 */
export function mapWeights(attention: Float32Array | Float64Array, numHeads: number): Float64Array {
  const tokens = attention.length / numHeads;
  const weights = new Float64Array(tokens - 1);
  for (let head = 0; head < numHeads; head++) {
    const row = Float64Array.from(attention.subarray(head * tokens + 1, (head + 1) * tokens));
    const smallest = row.reduce((a, b) => Math.min(a, b), Infinity);
    const range = row.reduce((a, b) => Math.max(a, b), -Infinity) - smallest;
    if (range <= 0) continue;
    row.forEach((value, patch) => {
      weights[patch] = (weights[patch] as number) + (value - smallest) / (range * numHeads);
    });
  }
  return weights;
}
