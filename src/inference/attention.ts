import type { Graph } from "../engine/graph/graph.ts";
import type { Engine } from "../engine/thread/engine.ts";
import type { Feeder } from "../method/kinds/kind.ts";
import { attentionMapGraph, mapHeadCount, mapWeights } from "../method/models/attention-maps.ts";
import { type EncoderConfig, patchCount } from "../method/models/config.ts";
import { forBatchSize, type ImageBatch, runBatches } from "./run-batches.ts";

export interface AttentionMapsInput {
  engine: Engine;
  config: EncoderConfig;
  feeds: Feeder;
  batches: AsyncIterable<ImageBatch>;
  /** In the place of {@link attentionGraph}. */
  graph?: Graph | undefined;
  /** Images per run; a smaller last batch is filled up. */
  batchSize: number;
  /** Receives each batch's indices [B] and its maps, float32 [B, L] in [0, 1]. */
  onMaps: (indices: Uint32Array, weights: Float32Array) => void;
  signal?: AbortSignal | undefined;
}

/** The graph that {@link attentionMapsOf} loads, for unloading it by its name. */
export function attentionGraph(config: EncoderConfig, batchSize: number): Graph {
  return forBatchSize(attentionMapGraph(config, batchSize), batchSize);
}

/**
 * Attention maps of whole images: where the cls token looks in the last block. The graph stays loaded in the engine.
 *
 * @throws the signal's reason when it fires; what the batches or the engine throw.
 * Source: method.md section 2.
 */
export async function attentionMapsOf(input: AttentionMapsInput): Promise<void> {
  const { config, batchSize, onMaps, graph = attentionGraph(config, batchSize) } = input;
  for await (const { batch, outputs } of runBatches({ ...input, graph })) {
    if (outputs.attention) onMaps(batch.indices, mapsOfBatch(outputs.attention, batch.indices.length, config));
  }
}

/** Maps, float32 [images, L], of the first `images` of a batch's attention [B, heads, 1 + L]. */
export function mapsOfBatch(attention: Float32Array, images: number, config: EncoderConfig): Float32Array {
  const patches = patchCount(config);
  const heads = mapHeadCount(config);
  const values = heads * (1 + patches);
  const weights = new Float32Array(images * patches);
  for (let b = 0; b < images; b++) {
    const own = attention.subarray(b * values, (b + 1) * values);
    weights.set(mapWeights(own, heads, config.mapHeads), b * patches);
  }
  return weights;
}
