import { type PretrainOptions, valueColumnsOf } from "../../config/index.ts";
import type { Batch, LoaderOptions } from "../../data/loader/loader.ts";
import { targetOf } from "../../data/targets/target.ts";
import { input } from "../../engine/graph/builders.ts";
import type { Feeds } from "../../engine/runtime/program.ts";
import type { ModelDescription } from "../../interop/model-file.ts";
import { partialClassTargets } from "../../method/feeds.ts";
import type { PretrainGraphOptions } from "../../method/models/mae.ts";
import { weightedBinaryCrossEntropy } from "../../method/nn/losses.ts";
import { valueFeeds } from "../../method/value-feeds.ts";
import { classCounts, type RunData } from "../setup.ts";
import { positiveCounts } from "./findings-target.ts";

/** What the cls token of a model in pre-training is to tell, beside the reconstruction. */
export interface Supervision extends Pick<PretrainGraphOptions, "clsLoss"> {
  /** What the loss is, in the words of a sentence. */
  name: string;
  /** Logits of the head. */
  outputs: number;
  loading: Pick<LoaderOptions, "target">;
  /** Training images of each class or finding. */
  counts: Readonly<Record<string, number>>;
  feeds(batch: Batch): Feeds;
  /** What a checkpoint says of it. */
  description: { classNames: string[] } & Pick<ModelDescription, "target">;
}

/** One class for each image, or several findings. */
export function supervision(options: PretrainOptions, data: RunData): Supervision {
  const names = valueColumnsOf(options)?.names;
  return names === undefined ? byClass(options, data) : byFindings(options, data, names);
}

function byClass({ clsLoss }: PretrainOptions, data: RunData): Supervision {
  const { classNames } = data.folder;
  return {
    name: clsLoss,
    outputs: classNames.length,
    clsLoss,
    loading: {},
    counts: classCounts(data),
    feeds: (batch) => ({ classTargets: partialClassTargets(targetOf(batch, "class").labels, classNames.length) }),
    description: { classNames },
  };
}

function byFindings({ batchSize }: PretrainOptions, { folder }: RunData, names: readonly string[]): Supervision {
  const shape = [batchSize, names.length];
  return {
    name: `binary cross-entropy of ${names.length} findings`,
    outputs: names.length,
    clsLoss: (logits) => weightedBinaryCrossEntropy(logits, input("valueTargets", shape), input("valueWeights", shape)),
    loading: { target: { kind: "values" } },
    counts: positiveCounts(folder.splits.train, names),
    feeds: (batch) => ({ ...valueFeeds(targetOf(batch, "values").values) }),
    description: { classNames: [...names], target: { kind: "findings" } },
  };
}
