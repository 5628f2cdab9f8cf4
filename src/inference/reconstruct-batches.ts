import type { PretrainedDescription } from "../interop/model-file.ts";
import { attentionGraph, mapsOfBatch } from "./attention.ts";
import type { FileBatch } from "./read-files.ts";
import { type Reconstruction, Reconstructor, type ReconstructorOptions } from "./reconstructor.ts";
import { runBatches } from "./run-batches.ts";
import type { ModelSession } from "./session.ts";

/**
 * Reconstructions of images, [B] for each batch, with patches chosen by the image's own attention map as in training, or at
 * random. The graphs stay loaded in the engine.
 *
 * @throws MsmaeError Device when the engine fails; the signal's reason; what the batches throw.
 */
export async function* reconstructBatches(
  model: ModelSession<PretrainedDescription>,
  batches: AsyncIterable<FileBatch>,
  options: ReconstructorOptions & { signal?: AbortSignal | undefined },
): AsyncGenerator<{ batch: FileBatch; results: Reconstruction[] }, void, void> {
  const { config } = model.description;
  const { masking, batchSize, signal } = options;
  const reconstructor = await Reconstructor.create(model, options);
  const run = { ...model, graph: attentionGraph(config, batchSize), batches, batchSize, signal };
  for await (const { batch, outputs } of masking === "attention" ? runBatches(run) : withoutRuns(batches, signal)) {
    const maps = outputs.attention && mapsOfBatch(outputs.attention, batch.indices.length, config);
    yield { batch, results: await reconstructor.run(batch.images, batch.indices, maps, batch.coverages) };
  }
}

/** Batches as {@link runBatches} gives them, where there is nothing to run over them. */
async function* withoutRuns<B>(
  batches: AsyncIterable<B>,
  signal: AbortSignal | undefined,
): AsyncGenerator<{ batch: B; outputs: Record<string, Float32Array> }> {
  for await (const batch of batches) {
    signal?.throwIfAborted();
    yield { batch, outputs: {} };
  }
}
