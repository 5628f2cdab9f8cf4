import type { AnyVerb, RunOptionsOf } from "../config/index.ts";
import type { ImageLoader, LoaderOptions } from "../data/loader/loader.ts";
import type { ParameterGroup } from "../engine/optim/parameter-groups.ts";
import type { ParameterStore } from "../engine/parameters/parameter-store.ts";
import type { ParameterSpec } from "../engine/parameters/specs.ts";
import type { Engine, OptimizerRule } from "../engine/thread/engine.ts";
import type { WeightMapping } from "../interop/load-weights.ts";
import type { StartingWeights } from "../interop/starting-weights.ts";
import type { ModelKind } from "../method/kinds/kind.ts";
import type { ImageModelConfig } from "../method/models/config.ts";
import type { Ranks } from "../parallel/ranks.ts";
import type { RunHooks } from "../support/events.ts";
import type { Keep } from "../support/resources.ts";
import type { RunDirectory } from "./run-directory.ts";
import type { RunData, RunOptions } from "./setup.ts";
import type { TrainingTask } from "./task.ts";
import type { TrainerResult } from "./trainer.ts";

/** The resolved options of a training verb: none where it lacks one that every run has. */
export type TrainingOptionsOf<V extends AnyVerb> = RunOptionsOf<V> extends RunOptions ? RunOptionsOf<V> : never;

/** Which model a run trains, and how it is optimised. */
export interface ModelPlan<C extends ImageModelConfig> {
  kind: ModelKind<C>;
  config: C;
  /** How the optimiser treats the trainable tensors. */
  groups(trainable: readonly ParameterSpec[]): ReadonlyMap<string, ParameterGroup>;
  /** The peak learning rate. */
  lr: number;
  /** What makes steps of gradients. */
  optimizer: OptimizerRule;
  /** How the keys of a checkpoint to start from become the model's; as they are where it is undefined. */
  mapping(start: StartingWeights): WeightMapping | undefined;
  /** What the loader gives beside images and classes. */
  loading?: Pick<LoaderOptions, "coverage" | "target">;
}

/** What a task works with while its run goes on. */
export interface RunContext<O extends RunOptions, C extends ImageModelConfig> {
  options: O;
  data: RunData;
  plan: ModelPlan<C>;
  /** Of the training images. */
  loader: ImageLoader;
  engine: Engine;
  store: ParameterStore;
  hooks: RunHooks;
  /** The processes that train it together. */
  ranks: Ranks;
  /** Takes what is to be closed when the run ends. */
  keep: Keep;
}

/** What a run is finished with, in the process that writes its files. */
export interface FinishContext<O extends RunOptions, C extends ImageModelConfig> extends RunContext<O, C> {
  run: RunDirectory;
}

/** A training verb: what is particular to it. `R` is what its function returns. */
export interface TrainingDefinition<V extends AnyVerb, C extends ImageModelConfig, R> {
  verb: V;
  /** Opens the data where they are not taken as the options say. */
  open?(options: TrainingOptionsOf<V>, hooks: RunHooks): Promise<RunData>;
  /** @throws MsmaeError Config or Data where options and data do not fit. */
  plan(options: TrainingOptionsOf<V>, data: RunData): ModelPlan<C>;
  task(context: RunContext<TrainingOptionsOf<V>, C>): TrainingTask;
  /** Measures what was trained, and writes metrics.json and the model card. */
  finish(context: FinishContext<TrainingOptionsOf<V>, C>, trained: TrainerResult): Promise<R>;
}
