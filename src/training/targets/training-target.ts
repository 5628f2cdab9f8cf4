import type { Batch, LoaderOptions } from "../../data/loader/loader.ts";
import type { Value } from "../../engine/graph/types.ts";
import type { Feeds } from "../../engine/runtime/program.ts";
import type { Mix } from "../../images/mixing/draw.ts";
import type { Gathered, Outcome } from "../../inference/outcomes/outcome.ts";
import type { ModelDescription } from "../../interop/model-file.ts";
import type { ModelCardResult } from "../records/index.ts";
import type { TaskState } from "../task.ts";

/** What a model is trained to tell of whole images, from the data to the figures; its state is that of one run. */
export interface TrainingTarget {
  /** Logits of the head. */
  outputs: number;
  /** What the loader gives to compare with. */
  loading: Pick<LoaderOptions, "target">;
  /** Training images of each class or finding. */
  counts: Readonly<Record<string, number>>;
  /** The loss of logits [batch, outputs], with inputs of its own. */
  loss(logits: Value): Value;
  /** What the loss is fed of a batch, whose images may have been mixed. */
  feeds(batch: Batch, mixes: readonly Mix[] | undefined): Feeds;
  /** What the outputs mean in a checkpoint. */
  outcome: Outcome<Gathered, object, object>;
  /** The same on the validation split, where what a checkpoint keeps of it is chosen. */
  validation: Outcome<Gathered, object, object>;
  /** Takes the metrics of a validation pass. */
  validated(metrics: object): void;
  /** What a checkpoint says of it. */
  describe(): { classNames: string[] } & Pick<ModelDescription, "target">;
  /** What must survive a stop. */
  state(): TaskState;
  restore(state: TaskState): void;
  /** Of the best weights: what the verb's function returns, and the lines of the model card. */
  told(metrics: object, split: string): { figures: object; results: ModelCardResult[] };
  /** What comes out, for the model card; undefined where it is what the kind of model says. */
  output?(names: readonly string[]): string;
}
