import { gather, input, reshape } from "../../engine/graph/builders.ts";
import { type Graph, graph } from "../../engine/graph/graph.ts";
import { parameterInputs } from "../../engine/parameters/specs.ts";
import type { Feeds } from "../../engine/runtime/program.ts";
import { argsort } from "../masking/selection.ts";
import { attentionProbabilities } from "../nn/attention.ts";
import { layerNorm, linear } from "../nn/layers.ts";
import { classifierSpecs, pooledTokens } from "./classifier.ts";
import { type ClassifierConfig, patchCount } from "./config.ts";
import { embed, encode, patchInputs } from "./encoder.ts";

/** A forward pass in two parts, the second on the patches that the first found to matter. */
export interface BudgetedForward {
  /** Takes what the kind's feeder makes of whole images. */
  first: Graph;
  rest: SecondPart;
  /** Patches of each image that the second part runs on. */
  kept: number;
}

/** What runs on the outputs of another graph. */
export interface SecondPart {
  /** Gives the kind's outputs. */
  graph: Graph;
  feedsOf(outputs: Readonly<Record<string, Float32Array>>): Feeds;
}

/** Blocks that run on all patches: a quarter of them, at least one, and at least one is left. */
export function earlyBlocks(depth: number): number {
  return Math.min(depth - 1, Math.max(1, Math.round(depth / 4)));
}

/**
 * The forward pass of a classifier of which all but the first blocks run on part of the patches: those to which the cls token
 * attends most in the block that comes next, the mean over heads. With all patches kept it is the plain forward pass.
 *
 * Ours. It is what EViT (Liang et al. 2022) does at one place, without its token for the rest.
 *
 * @param keepRatio share of the patches that go on, above 0; at least one does.
 */
export function budgetedClassifier(
  config: ClassifierConfig,
  { batch, keepRatio }: { batch: number; keepRatio: number },
): BudgetedForward {
  const { embedDim, numHeads, depth } = config;
  const patches = patchCount(config);
  const kept = Math.max(1, Math.round(patches * keepRatio));
  const early = earlyBlocks(depth);
  const p = parameterInputs(classifierSpecs(config));
  const all = { tokens: 1 + patches, batch };
  const tokens = encode(embed(p, patchInputs(config, batch, "all"), config, batch), p, config, all, { blocks: early });
  const asking = layerNorm(tokens, p, `blocks.${early}.norm1`);
  const cls = { from: 0, to: 1 };
  const weights = attentionProbabilities(asking, p, `blocks.${early}.attn`, all, numHeads, cls);
  const attention = reshape(weights, [batch, numHeads, all.tokens]);

  const layout = { tokens: 1 + kept, batch };
  const rows = input("tokens", [all.tokens * batch, embedDim]);
  const going = gather(rows, input("going", [layout.tokens * batch], "int64"), 0);
  const logits = linear(pooledTokens(going, p, config, layout, { from: early }), p, "head");
  return {
    first: graph(`classify-first-${kept}`, { tokens, attention }),
    rest: {
      graph: graph(`classify-rest-${kept}`, { logits }),
      feedsOf: ({ tokens: told, attention: looks = new Float32Array() }) => ({
        tokens: told as Float32Array,
        going: rowsGoingOn(looks, { batch, heads: numHeads, patches, kept }),
      }),
    },
    kept,
  };
}

/**
 * The rows of the tokens that go on, token-major: the cls tokens, then each image's patches of most attention, in their own
 * order.
 *
 * @param attention [batch, heads, 1 + patches]
 */
function rowsGoingOn(
  attention: Float32Array,
  { batch, heads, patches, kept }: { batch: number; heads: number; patches: number; kept: number },
): BigInt64Array {
  const rows = new BigInt64Array((1 + kept) * batch);
  for (let b = 0; b < batch; b++) {
    const negative = new Float64Array(patches);
    for (let head = 0; head < heads; head++) {
      const from = (b * heads + head) * (1 + patches) + 1;
      for (let patch = 0; patch < patches; patch++) {
        negative[patch] = (negative[patch] as number) - (attention[from + patch] as number);
      }
    }
    const chosen = argsort(negative).subarray(0, kept).sort();
    rows[b] = BigInt(b);
    for (const [n, patch] of chosen.entries()) rows[(1 + n) * batch + b] = BigInt((1 + patch) * batch + b);
  }
  return rows;
}
