import type { Graph } from "../../engine/graph/graph.ts";
import { attentionMapsOf } from "../../inference/attention.ts";
import { patchCount } from "../../method/models/config.ts";
import { MsmaeError } from "../../support/errors.ts";
import type { MapBank } from "./map-bank.ts";
import type { MaskedRun } from "./masked-run.ts";

/**
 * Recomputes the attention map of every training image with the weights as they are; of several processes each those of
 * its share.
 *
 * @throws MsmaeError NonFiniteLoss when the attention has no numbers any more. Source: method.md section 2.
 */
export async function refreshMaps(
  parts: Omit<MaskedRun, "store"> & {
    maps: MapBank;
    batchSize: number;
    /** What makes them: takes what `feeds` makes of a batch of whole images. */
    graph: Graph;
  },
): Promise<void> {
  const { engine, config, feeds, loader, maps, batchSize, graph, hooks, ranks } = parts;
  const share = { index: ranks.rank, of: ranks.size };
  /** What other processes are to be told. */
  const own: { indices: Uint32Array; weights: Float32Array }[] = [];
  const patches = patchCount(config);
  const put = (indices: Uint32Array, weights: Float32Array): void => {
    indices.forEach((image, b) => {
      maps.set(image, weights.subarray(b * patches, (b + 1) * patches));
    });
  };
  let done = 0;
  hooks.onEvent?.({ type: "phase", name: "attention maps", total: maps.images });
  await attentionMapsOf({
    engine,
    config,
    feeds,
    batchSize,
    graph,
    batches: loader.inOrder({ batchSize, share }),
    onMaps(indices, weights) {
      if (!weights.every(Number.isFinite)) throw diverged();
      put(indices, weights);
      if (ranks.size > 1) own.push({ indices, weights });
      done += indices.length;
      hooks.onEvent?.({ type: "phase-progress", done });
    },
    signal: hooks.signal,
  });
  if (ranks.size > 1) {
    for (const { indices, weights } of (await ranks.gather(own)).flat()) put(indices, weights);
    hooks.onEvent?.({ type: "phase-progress", done: maps.images });
  }
  // A loaded graph keeps its working memory, and the next refresh is epochs away.
  await engine.unload(graph.name);
}

function diverged(): MsmaeError {
  return new MsmaeError("NonFiniteLoss", {
    where: "attention maps",
    expected: "finite attention",
    got: "NaN",
    todo: "the weights have diverged: lower the learning rate or set --clip-grad, and go on from the last checkpoint",
  });
}
