import { concat, reshape } from "../../engine/graph/builders.ts";
import { type Graph, graph } from "../../engine/graph/graph.ts";
import type { Value } from "../../engine/graph/types.ts";
import { parameterInputs } from "../../engine/parameters/specs.ts";
import { attentionProbabilities } from "../nn/attention.ts";
import { layerNorm } from "../nn/layers.ts";
import { type EncoderConfig, type HeadFusion, patchCount } from "./config.ts";
import { embed, encodeBlocks, encoderSpecs, patchInputs } from "./encoder.ts";

/**
 * The cls token's attention: `attention` [batch, heads, 1 + patches] float32, softmaxed, the cls column first, of the last
 * block's heads, or of those of all blocks one after the other. Input: `patches` of the whole image in order. In the last
 * block only the cls query and the keys are computed: no values, no projection, no MLP. Source: method.md section 2.
 */
export function attentionMapGraph(config: EncoderConfig, batch: number): Graph {
  const p = parameterInputs(encoderSpecs(config, "fixed"));
  const layout = { tokens: 1 + patchCount(config), batch };
  const last = config.depth - 1;
  const tokens = embed(p, patchInputs(config, batch, "all"), config, batch);
  const before = [tokens, ...encodeBlocks(tokens, p, config, layout, { blocks: last })];
  const lookedAt = config.mapBlocks === "all" ? before.map((_, block) => block) : [last];
  const cls = { from: 0, to: 1 };
  const ofBlocks = lookedAt.map((block) => {
    const normalized = layerNorm(before[block] as Value, p, `blocks.${block}.norm1`, config.normEpsilon);
    const attention = attentionProbabilities(normalized, p, `blocks.${block}.attn`, layout, config.numHeads, cls);
    return reshape(attention, [batch, config.numHeads, layout.tokens]);
  });
  const [only, ...others] = ofBlocks as [Value, ...Value[]];
  return graph("attention-maps", { attention: others.length === 0 ? only : concat(ofBlocks, 1) });
}

/** The heads whose attention {@link attentionMapGraph} gives. */
export function mapHeadCount({ numHeads, depth, mapBlocks }: EncoderConfig): number {
  return mapBlocks === "all" ? numHeads * depth : numHeads;
}

/**
 * Map weights of one image from its attention [heads, 1 + patches], float values in [0, 1], one per patch.
 * - `min-max`: per head the minimum is subtracted and the result divided by its maximum, then the heads are averaged. A
 *   head whose attention is the same everywhere has no maximum to divide by and counts as 0.
 * - `mean`: the heads are averaged over the patches, and the average is scaled in this way. A head that looks everywhere
 *   alike then changes nothing, while `min-max` enlarges its noise to the same height as another's peak.
 *
 * Source: of `min-max`: method.md section 2; `mean` is ours, measured in docs/results.md.
 */
export function mapWeights(
  attention: Float32Array | Float64Array,
  numHeads: number,
  fusion: HeadFusion = "min-max",
): Float64Array {
  const tokens = attention.length / numHeads;
  const weights = new Float64Array(tokens - 1);
  for (let head = 0; head < numHeads; head++) {
    const row = Float64Array.from(attention.subarray(head * tokens + 1, (head + 1) * tokens));
    addTo(weights, fusion === "min-max" ? scaledTo(row, numHeads) : row);
  }
  return fusion === "min-max" ? weights : scaledTo(weights, 1);
}

/** From 0 to 1 / parts; zeros where all values are the same. */
function scaledTo(values: Float64Array, parts: number): Float64Array {
  const smallest = values.reduce((a, b) => Math.min(a, b), Infinity);
  const range = values.reduce((a, b) => Math.max(a, b), -Infinity) - smallest;
  return range <= 0 ? new Float64Array(values.length) : values.map((value) => (value - smallest) / (range * parts));
}

function addTo(sums: Float64Array, values: Float64Array): void {
  for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] as number) + (values[i] as number);
}
