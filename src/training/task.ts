import type { Batch } from "../data/loader/loader.ts";
import type { Graph } from "../engine/graph/graph.ts";
import type { Feeds } from "../engine/runtime/program.ts";
import type { ModelDescription } from "../interop/model-file.ts";
import type { MapBank } from "./map-bank.ts";

/** A stretch of epochs that run one training graph. Equal phases are the same object. */
export interface Phase {
  graph: Graph;
  /** What the graph is fed for a batch; `batchIndex` counts within the epoch. */
  feeds(batch: Batch, epoch: number, batchIndex: number): Feeds;
}

/** Metrics of a validation pass. A higher score is better; of equal scores the lower loss. */
export interface Validation {
  metrics: Record<string, number>;
  score: number;
  loss: number;
}

/** What pre-training and fine-tuning do differently inside the same loop. */
export interface TrainingTask {
  verb: "pretrain" | "finetune";
  phase(epoch: number): Phase;
  /** Before an epoch's first batch, but not when a run resumes in the middle of one. */
  beforeEpoch?(epoch: number): Promise<void>;
  validate?(epoch: number): Promise<Validation>;
  describe(epoch: number, step: number): ModelDescription;
  maps: MapBank;
}
