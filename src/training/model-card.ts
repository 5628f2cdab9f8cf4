import { basename } from "node:path";
import { labelUseText } from "../data/labels.ts";
import type { CardFacts } from "../method/kinds/kind.ts";
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
  /** What comes out, where it is not what the kind of model says. */
  output?: CardFacts["output"] | undefined;
}

/** The model card of a run. */
export function cardOf<O extends RunOptions, C extends ImageModelConfig>(
  { options, plan: { kind, config }, data }: Pick<RunContext<O, C>, "options" | "plan" | "data">,
  { summary, told, results = [], counts = classCounts(data), output = kind.card.output }: CardText<O>,
): ModelCardInput {
  const { labels, whole } = data;
  const unlabelled = data.folder.splits.train.filter((sample) => sample.unlabelled).length;
  const others = whole ? "left out" : "only reconstructed";
  return {
    modelName: options.model,
    kind: { card: { ...kind.card, output } },
    classNames: Object.keys(counts),
    inputSize: [config.inputHeight, config.inputWidth],
    inChans: config.inChans,
    trainingData: { name: basename(options.dataPath), classCounts: counts, ...(unlabelled > 0 && { unlabelled }) },
    trainingSummary: labels
      ? [...summary, `The ${labelUseText(labels)} were used; the others were ${others}.`]
      : summary,
    hyperparameters: pick(options, [
      ...told,
      ...(labels ? (["labelShare"] as const) : []),
      ...((options.precision ?? "fp32") === "fp32" ? [] : (["precision"] as const)),
    ]) as ModelCardInput["hyperparameters"],
    results,
    msmaeVersion: packageVersion,
  };
}

/** Lines of a model card, of those figures that are defined. */
export function cardResults(
  split: string,
  figures: readonly [name: string, type: string, value: number | null][],
): ModelCardResult[] {
  return figures.flatMap(([name, type, value]) => (value === null ? [] : [{ name, type, value, split }]));
}
