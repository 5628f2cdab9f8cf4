import type { Share } from "../data/loader/options.ts";
import type { Graph } from "../engine/graph/graph.ts";
import type { Feeds } from "../engine/runtime/program.ts";
import type { Validation } from "../inference/outcomes/outcome.ts";
import type { ModelDescription } from "../interop/model-file.ts";

/** A batch ready for the engine. */
export interface PreparedBatch {
  feeds: Feeds;
  /** The image files of the batch, for messages. */
  paths: string[];
}

/** A stretch of epochs that run one training graph. Equal phases are the same object. */
export interface Phase {
  graph: Graph;
  /**
   * The batches of an epoch from the one of number `from`, of several processes one's share of them. Each is prepared
   * while the engine works on the one before.
   */
  batches(epoch: number, from: number, share?: Share): AsyncGenerator<PreparedBatch, void>;
}

/** What a task keeps beside weights and optimiser, by name: it is saved with them, and given back to a run that goes on. */
export type TaskState = Readonly<Record<string, Float32Array>>;

/**
 * What is trained, as the loop sees it: which graph on which batches, and what is done around the epochs. The loop keeps
 * schedule, accumulation, checkpoints and stopping, and knows nothing of images, maps or classes.
 */
export interface TrainingTask {
  batchesPerEpoch: number;
  phase(epoch: number): Phase;
  /** Before an epoch's first batch, but not when a run resumes in the middle of one. */
  beforeEpoch?(epoch: number): Promise<void>;
  validate?(epoch: number): Promise<Validation>;
  /** @param validated whether the weights are those of the last validation pass. */
  describe(epoch: number, step: number, validated: boolean): ModelDescription;
  state?(): TaskState;
  /** @throws MsmaeError Checkpoint for a state that is not this task's. */
  restore?(state: TaskState): void;
}
