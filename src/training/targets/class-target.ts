import type { FinetuneOptions } from "../../config/index.ts";
import { targetOf } from "../../data/targets/target.ts";
import { input } from "../../engine/graph/builders.ts";
import { mixTargets } from "../../images/mixing/apply.ts";
import { balancedClasses, classes } from "../../inference/outcomes/classes.ts";
import { classTargets, weighTargets } from "../../method/feeds.ts";
import { crossEntropy, focalLoss } from "../../method/nn/losses.ts";
import type { ClassificationMetrics } from "../../results/metrics/index.ts";
import { classCounts, type RunData } from "../setup.ts";
import { resolveClassWeights } from "../tasks/class-weights.ts";
import { classifierResults } from "../tasks/classifier-results.ts";
import type { TrainingTarget } from "./training-target.ts";

/** What fine-tuning tells of the best weights of a classifier. */
export interface ClassFigures {
  /** Of the best checkpoint on the test split, or on the validation split where there is no test split. */
  accuracy: number;
  f1Macro: number;
  /** Mean one-vs-rest AUC; null where no class has both positives and negatives. */
  auc: number | null;
}

/**
 * One class for each image: cross-entropy or focal loss on smoothed, mixed and weighted targets.
 *
 * @throws MsmaeError Config or Data where class weights do not fit the classes.
 */
export function classTarget(options: FinetuneOptions, data: RunData): TrainingTarget {
  const { smoothing, loss, focalGamma = 2, batchSize } = options;
  const { classNames } = data.folder;
  const counts = classCounts(data);
  const outputs = classNames.length;
  const balanced = options.classWeights === "balanced" || options.sampling === "balanced";
  const classWeights = resolveClassWeights(options.classWeights, counts);
  return {
    outputs,
    loading: {},
    counts,
    loss(logits) {
      const targets = input("classTargets", [batchSize, outputs]);
      return loss === "focal" ? focalLoss(logits, targets, focalGamma) : crossEntropy(logits, targets);
    },
    feeds(batch, mixes) {
      const smoothed = classTargets(targetOf(batch, "class").labels, outputs, smoothing);
      const mixed = mixes === undefined ? smoothed : mixTargets(smoothed, mixes);
      return { classTargets: classWeights === undefined ? mixed : weighTargets(mixed, classWeights) };
    },
    outcome: classes,
    validation: balanced ? balancedClasses : classes,
    validated() {},
    describe: () => ({ classNames }),
    state: () => ({}),
    restore() {},
    told(metrics, split) {
      const { accuracy, f1Macro, aucMacro: auc } = metrics as ClassificationMetrics;
      const figures: ClassFigures = { accuracy, f1Macro, auc };
      return { figures, results: classifierResults(metrics as ClassificationMetrics, split) };
    },
  };
}
