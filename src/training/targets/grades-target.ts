import type { FinetuneOptions } from "../../config/index.ts";
import { targetOf } from "../../data/targets/target.ts";
import { input } from "../../engine/graph/builders.ts";
import { grades } from "../../inference/outcomes/grades.ts";
import { weightedBinaryCrossEntropy } from "../../method/nn/losses.ts";
import { gradeSteps, smoothFindings, valueFeeds } from "../../method/value-feeds.ts";
import type { ClassificationMetrics } from "../../results/metrics/index.ts";
import { cardResults } from "../model-card.ts";
import { classCounts, type RunData } from "../setup.ts";
import { classifierResults } from "../tasks/classifier-results.ts";
import type { TrainingTarget } from "./training-target.ts";

/** What fine-tuning tells of the best weights of a model of grades. */
export type GradeFigures = Pick<ClassificationMetrics, "kappaQuadratic" | "accuracy">;

/**
 * Grades in the order of the data's class names: a binary cross-entropy for each step to the next grade, over the images
 * that reach it.
 * Source: Shi, Cao & Raschka 2023 (CORN).
 */
export function gradesTarget({ smoothing, batchSize }: FinetuneOptions, data: RunData): TrainingTarget {
  const { classNames } = data.folder;
  const outputs = classNames.length - 1;
  const shape = [batchSize, outputs];
  return {
    outputs,
    loading: {},
    counts: classCounts(data),
    loss: (logits) => weightedBinaryCrossEntropy(logits, input("valueTargets", shape), input("valueWeights", shape)),
    feeds(batch, mixes) {
      const steps = gradeSteps(targetOf(batch, "class").labels, classNames.length);
      return { ...valueFeeds(smoothFindings(steps, smoothing), mixes) };
    },
    outcome: grades,
    validation: grades,
    validated() {},
    describe: () => ({ classNames, target: { kind: "grades" } }),
    state: () => ({}),
    restore() {},
    told(metrics, split) {
      const { kappaQuadratic, accuracy } = metrics as ClassificationMetrics;
      const figures: GradeFigures = { kappaQuadratic, accuracy };
      const kappa = cardResults(split, [["Quadratic kappa", "quadratic_kappa", kappaQuadratic]]);
      return { figures, results: [...kappa, ...classifierResults(metrics as ClassificationMetrics, split)] };
    },
    output: (names) => `one probability per grade: ${names.join(", ")}`,
  };
}
