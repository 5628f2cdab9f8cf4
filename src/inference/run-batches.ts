import type { Share } from "../data/loader/options.ts";
import type { Graph } from "../engine/graph/graph.ts";
import { floatsOf } from "../engine/runtime/program.ts";
import type { Engine } from "../engine/thread/engine.ts";
import type { Feeder, SecondPart } from "../method/kinds/kind.ts";
import { oneRank, type Ranks } from "../parallel/ranks.ts";

/** Images to run, in an order of the caller's. The data loader's batches are of this form. */
export interface ImageBatch {
  /** [B] what the caller knows the images by. */
  indices: Uint32Array;
  /** uint8 [B, H, W, C] of the model's input size. */
  images: Uint8Array;
  /** Called once `images` has been copied: its memory may be used again. */
  release?(): void;
}

/** What runs graphs: the engine, or what stands in its place. */
export type GraphRunner = Pick<Engine, "load" | "run" | "unload">;

/** What is run over the batches. */
export interface BatchRun<B extends ImageBatch> {
  engine: GraphRunner;
  /** Takes what `feeds` makes of `batchSize` whole images. */
  graph: Graph;
  /** Takes the outputs of `graph` in its turn, and gives those of the run. */
  rest?: SecondPart | undefined;
  feeds: Feeder;
  batches: AsyncIterable<B>;
  /** Images per run; a smaller batch is filled up with zeros. */
  batchSize: number;
  signal?: AbortSignal | undefined;
  /** Processes that have the same batches, each of which runs some and is told of the others. */
  ranks?: Ranks | undefined;
}

/** A batch, and what a graph gives for it. */
export interface RanBatch<B extends ImageBatch> {
  batch: B;
  outputs: Record<string, Float32Array>;
}

/**
 * Runs a graph over batches of whole images. While the engine works on one batch, the next is read and normalised.
 * The graphs are loaded here and stay loaded. A batch without images has no outputs.
 *
 * @throws the signal's reason when it fires, after the run in hand.
 */
export async function* runBatches<B extends ImageBatch>(run: BatchRun<B>): AsyncGenerator<RanBatch<B>, void, void> {
  const { ranks = oneRank } = run;
  let round: RanBatch<B>[] = [];
  const tell = async (): Promise<RanBatch<B>[]> => {
    const told = await ranks.gather(round[ranks.rank]?.outputs ?? {});
    const whole = round.map(({ batch }, rank) => ({ batch, outputs: told[rank] ?? {} }));
    round = [];
    return whole;
  };
  for await (const ran of runShare(run, { index: ranks.rank, of: ranks.size })) {
    round.push(ran);
    if (round.length === ranks.size) yield* await tell();
  }
  if (round.length > 0) yield* await tell();
}

/** Runs those batches whose number leaves `index` when divided by `of`; the others have no outputs. */
async function* runShare<B extends ImageBatch>(
  run: BatchRun<B>,
  { index, of }: Share,
): AsyncGenerator<RanBatch<B>, void, void> {
  const { engine, graph, rest, feeds, batches, batchSize, signal } = run;
  await engine.load(graph);
  if (rest) await engine.load(rest.graph);
  const outputsOf = async (images: Uint8Array) => {
    const outputs = floatsOf(await engine.run(graph.name, feeds.whole(images, batchSize)));
    return rest ? floatsOf(await engine.run(rest.graph.name, rest.feedsOf(outputs))) : outputs;
  };
  let number = 0;
  let inHand: { batch: B; outputs: Promise<Record<string, Float32Array>> } | undefined;
  try {
    for await (const batch of batches) {
      signal?.throwIfAborted();
      const own = number++ % of === index;
      const outputs = own && batch.indices.length > 0 ? outputsOf(batch.images) : Promise.resolve({});
      batch.release?.();
      // It is awaited one batch later; until then a failure must not count as unhandled.
      outputs.catch(() => undefined);
      const previous = inHand;
      inHand = { batch, outputs };
      if (previous) yield { batch: previous.batch, outputs: await previous.outputs };
    }
    signal?.throwIfAborted();
    const last = inHand;
    inHand = undefined;
    if (last) yield { batch: last.batch, outputs: await last.outputs };
  } finally {
    // Whoever stops early may change the parameters next: not while a run still reads them.
    await inHand?.outputs.catch(() => undefined);
  }
}

/** The graph under a name of its own for each batch size, since an engine loads a name once. */
export function forBatchSize(graph: Graph, batchSize: number): Graph {
  return { ...graph, name: `${graph.name}-batch-${batchSize}` };
}
