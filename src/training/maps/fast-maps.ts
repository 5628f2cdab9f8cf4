import type { Share } from "../../data/loader/options.ts";
import type { Graph } from "../../engine/graph/graph.ts";
import { inInt8 } from "../../engine/graph/passes/in-int8.ts";
import { int8Weight } from "../../engine/onnx/weight-rounding.ts";
import type { ParameterStore } from "../../engine/parameters/parameter-store.ts";
import { attentionGraph, attentionMapsOf } from "../../inference/attention.ts";
import type { ImageBatch } from "../../inference/run-batches.ts";
import type { EncoderConfig } from "../../method/models/config.ts";
import { encoderSpecs } from "../../method/models/encoder.ts";
import { int8Weights } from "../../method/models/precision.ts";
import type { MaskedRun } from "./masked-run.ts";

/** Of so many images the exact maps are made too, to tell what the fast ones change. */
const COMPARED = 64;

/**
 * The graph of the maps with the products of the blocks' linear layers in int8, of the weights as they are now: it holds them, so
 * that it is to be loaded anew for each refresh.
 */
export function fastAttentionGraph(config: EncoderConfig, batchSize: number, store: ParameterStore): Graph {
  const rounded = new Map<string, ReturnType<typeof int8Weight>>();
  const copies = (key: string, copy: "transposed" | "rowScales") => {
    const made = rounded.get(key) ?? int8Weight(store.parameter(key), store.shapeOf(key) as [number, number]);
    rounded.set(key, made);
    return copy === "transposed" ? made.levels : made.scales;
  };
  const exact = attentionGraph(config, batchSize);
  return { ...inInt8(exact, int8Weights(encoderSpecs(config, "fixed")), { copies }), name: `${exact.name}-int8` };
}

/** The exact maps of the first of a process's training images, [patches] each, by the image. */
export async function exactMaps(run: MaskedRun, batchSize: number): Promise<Map<number, Float32Array>> {
  const { engine, config, feeds, loader, hooks, ranks } = run;
  const share: Share = { index: ranks.rank, of: ranks.size };
  const maps = new Map<number, Float32Array>();
  const graph = attentionGraph(config, batchSize);
  await attentionMapsOf({
    ...{ engine, config, feeds, batchSize, graph, signal: hooks.signal },
    batches: firstOf(loader.inOrder({ batchSize, share }), COMPARED),
    onMaps(indices, weights) {
      const patches = weights.length / indices.length;
      for (const [b, image] of indices.entries()) maps.set(image, weights.slice(b * patches, (b + 1) * patches));
    },
  });
  await engine.unload(graph.name);
  return maps;
}

async function* firstOf<B extends ImageBatch>(
  batches: AsyncIterable<B>,
  images: number,
): AsyncGenerator<B, void, void> {
  let count = 0;
  for await (const batch of batches) {
    count += batch.indices.length;
    yield batch;
    if (count >= images) return;
  }
}
