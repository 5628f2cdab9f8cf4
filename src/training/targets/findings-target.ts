import type { FinetuneOptions } from "../../config/index.ts";
import type { Sample } from "../../data/dataset.ts";
import { targetOf } from "../../data/targets/target.ts";
import { input } from "../../engine/graph/builders.ts";
import { findings } from "../../inference/outcomes/findings.ts";
import { weightedBinaryCrossEntropy } from "../../method/nn/losses.ts";
import { smoothFindings, valueFeeds } from "../../method/value-feeds.ts";
import type { FindingsMetrics } from "../../results/metrics/index.ts";
import { cardResults } from "../model-card.ts";
import type { RunData } from "../setup.ts";
import type { TaskState } from "../task.ts";
import type { TrainingTarget } from "./training-target.ts";

/** What fine-tuning tells of the best weights of a model of findings. */
export interface FindingsFigures {
  /** Means over the findings for which they are defined; null where they are for none. */
  auc: number | null;
  averagePrecision: number | null;
  f1: number | null;
}

/** The name of the thresholds in a state. */
const KEY = "thresholds";

/**
 * Several findings, each there or not: binary cross-entropy over what is known. From which probability on each counts as
 * there is chosen in every validation pass, and kept in the checkpoint.
 */
export function findingsTarget(
  { smoothing, batchSize }: FinetuneOptions,
  { folder }: RunData,
  names: readonly string[],
): TrainingTarget {
  const outputs = names.length;
  const shape = [batchSize, outputs];
  let thresholds: number[] | undefined;
  return {
    outputs,
    loading: { target: { kind: "values" } },
    counts: positiveCounts(folder.splits.train, names),
    loss: (logits) => weightedBinaryCrossEntropy(logits, input("valueTargets", shape), input("valueWeights", shape)),
    feeds(batch, mixes) {
      return { ...valueFeeds(smoothFindings(targetOf(batch, "values").values, smoothing), mixes) };
    },
    outcome: findings(),
    validation: findings("chosen"),
    validated(metrics) {
      thresholds = (metrics as FindingsMetrics).perFinding.map(({ threshold }) => threshold);
    },
    describe: () => ({
      classNames: [...names],
      target: { kind: "findings", ...(thresholds && { thresholds }) },
    }),
    state: (): TaskState => (thresholds ? { [KEY]: Float32Array.from(thresholds) } : {}),
    restore({ [KEY]: kept }) {
      if (kept) thresholds = [...kept];
    },
    told(metrics, split) {
      const { aucMean: auc, averagePrecisionMean: averagePrecision, f1Mean: f1 } = metrics as FindingsMetrics;
      const figures: FindingsFigures = { auc, averagePrecision, f1 };
      const results = cardResults(split, [
        ["Mean AUC", "roc_auc", auc],
        ["Mean average precision", "average_precision", averagePrecision],
        ["Mean F1", "f1", f1],
      ]);
      return { figures, results };
    },
    output: (told) => `one probability per finding: ${told.join(", ")}`,
  };
}

/** Training images that have each finding, by its name, of those whose labels are used. */
export function positiveCounts(samples: readonly Sample[], names: readonly string[]): Record<string, number> {
  const used = samples.filter(({ unlabelled }) => !unlabelled);
  return Object.fromEntries(names.map((name, k) => [name, used.filter(({ values }) => values?.[k] === 1).length]));
}
