import type { Share } from "../../data/loader/options.ts";
import type { Graph } from "../../engine/graph/graph.ts";
import type { Update } from "../../engine/thread/core.ts";
import type { Engine } from "../../engine/thread/engine.ts";
import type { PreparedBatch } from "../task.ts";

/** What came of a batch. */
export interface BatchResult {
  loss: number;
  /** Those outputs of the graph that are one number, by name; the loss is one of them. */
  scalars: Record<string, number>;
  /** Of its images. */
  paths: string[];
}

/** A batch or, where several processes train together, one of each of them. */
export interface Round {
  graph: string;
  /** This process's; absent where fewer batches are left than there are processes. */
  batch: PreparedBatch | undefined;
  /** How many batches there are. */
  count: number;
  /** What to do after the last of them. */
  update: Update;
}

/** Who trains the batches of a step: this process, or several together. */
export interface Steps {
  /** Which batches this process trains. */
  readonly share: Share;
  /** Whether the run is to be stopped after the round that has ended. */
  readonly stops: boolean;
  /** Loads a training graph, before its first round. It is unloaded by its name. */
  load(graph: Graph): Promise<void>;
  /**
   * Trains a round and tells of its batches in their order; where a loss is not finite, nothing was done with gradients.
   *
   * @param seen takes the images' paths, whatever becomes of them.
   * @throws MsmaeError NonFiniteLoss for a gradient that is not finite.
   */
  round(round: Round, seen: string[]): Promise<BatchResult[]>;
}

/** The steps of one process. */
export class OwnSteps implements Steps {
  readonly share: Share = { index: 0, of: 1 };
  readonly #engine: Engine;
  readonly #signal: AbortSignal | undefined;

  constructor(engine: Engine, signal: AbortSignal | undefined) {
    this.#engine = engine;
    this.#signal = signal;
  }

  get stops(): boolean {
    return this.#signal?.aborted ?? false;
  }

  load(graph: Graph): Promise<void> {
    return this.#engine.load(graph);
  }

  async round({ graph, batch, update }: Round, seen: string[]): Promise<BatchResult[]> {
    if (!batch) throw new Error("an epoch has fewer batches than it was counted to have");
    seen.push(...batch.paths);
    const { loss, outputs } = await this.#engine.train(graph, batch.feeds, update);
    return [{ loss, scalars: scalarsOf(outputs), paths: batch.paths }];
  }
}

/** The outputs that are one number, by name. */
export function scalarsOf(outputs: Readonly<Record<string, ArrayLike<number | bigint>>>): Record<string, number> {
  const single = Object.entries(outputs).filter(([, { length }]) => length === 1);
  return Object.fromEntries(single.map(([name, value]) => [name, Number(value[0])]));
}
