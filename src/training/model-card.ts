import { basename } from "node:path";
import type { ModelKind } from "../method/kinds/kind.ts";
import type { ImageModelConfig } from "../method/models/config.ts";
import { packageVersion } from "../support/version.ts";
import type { RunContext } from "./definition.ts";
import type { ModelCardInput, ModelCardResult } from "./records/index.ts";
import { classCounts, pick, type RunOptions } from "./setup.ts";

/** What a run says of itself in its model card. */
export interface CardText<O> {
  /** What was done, in sentences. */
  summary: readonly string[];
  /** The options that are named. */
  told: readonly (keyof O)[];
  results?: readonly ModelCardResult[];
  /** Images of each class in the training split, where its classes are not those of whole images. */
  counts?: Readonly<Record<string, number>>;
}

/** The model card of a run. */
export function cardOf<O extends RunOptions, C extends ImageModelConfig>(
  { options, plan: { kind, config }, data }: Pick<RunContext<O, C>, "options" | "plan" | "data">,
  { summary, told, results = [], counts = classCounts(data) }: CardText<O>,
): ModelCardInput {
  return {
    modelName: options.model,
    kind: kind as Pick<ModelKind, "card">,
    classNames: Object.keys(counts),
    inputSize: [config.inputHeight, config.inputWidth],
    inChans: config.inChans,
    trainingData: { name: basename(options.dataPath), classCounts: counts },
    trainingSummary: summary,
    hyperparameters: pick(options, told) as ModelCardInput["hyperparameters"],
    results,
    msmaeVersion: packageVersion,
  };
}
