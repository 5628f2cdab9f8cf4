import { MsmaeError } from "../../support/errors.ts";
import type { ClassificationInput } from "./classification.ts";
import { checkProbabilities, classScores, isClass } from "./probabilities.ts";
import { cumulativeCounts } from "./roc.ts";

/** Net benefit at threshold probabilities; plain data that survives JSON unchanged. */
export interface DecisionCurve {
  /** [points] the probability from which on somebody would be treated. */
  thresholds: number[];
  /** [points] of treating whom the model gives at least that probability. */
  model: number[];
  /** [points] of treating everybody. */
  treatAll: number[];
  /** [points] of treating nobody: 0. */
  treatNone: number[];
  prevalence: number;
}

const THRESHOLDS = Array.from({ length: 99 }, (_, step) => (step + 1) / 100);

/**
 * The decision curve of probabilities: true positives per case, less the false positives weighed by the odds of the threshold
 * probability, at which a needless treatment counts as much as that share of a needed one. A model is of use where its
 * curve lies above both others, and only where its probabilities are calibrated do they say where that is.
 *
 * @param probabilities [n] of being positive.
 * @param positive [n] non-zero where the truth is positive.
 * @param thresholds ascending, in (0, 1). Default 0.01, 0.02, …, 0.99.
 * @throws MsmaeError Data when there are no cases; Config for a threshold outside of (0, 1).
 * Source: Vickers and Elkin 2006, "Decision curve analysis: a novel method for evaluating prediction models".
 */
export function decisionCurve(
  probabilities: ArrayLike<number>,
  positive: ArrayLike<number>,
  thresholds: readonly number[] = THRESHOLDS,
): DecisionCurve {
  check(probabilities, thresholds);
  const n = probabilities.length;
  const counts = cumulativeCounts(probabilities, positive);
  const prevalence = (counts.truePositives.at(-1) as number) / n;
  const model = thresholds.map((threshold) => {
    const last = counts.scores.findLastIndex((score) => score >= threshold);
    if (last < 0) return 0;
    const [hits, alarms] = [counts.truePositives[last] as number, counts.falsePositives[last] as number];
    return hits / n - (alarms / n) * oddsOf(threshold);
  });
  return {
    thresholds: [...thresholds],
    model,
    treatAll: thresholds.map((threshold) => prevalence - (1 - prevalence) * oddsOf(threshold)),
    treatNone: thresholds.map(() => 0),
    prevalence,
  };
}

/** The decision curve of one class against the others. */
export interface ClassDecisionCurve extends DecisionCurve {
  class: string;
}

/**
 * The decision curves of a classifier: what it gains to treat by the probability of each class.
 *
 * @throws MsmaeError "Data" or "Shape" as `checkProbabilities`.
 */
export function decisionCurves({
  probabilities,
  labels,
  classNames,
}: Omit<ClassificationInput, "allRocPoints">): ClassDecisionCurve[] {
  const checked = checkProbabilities(probabilities, labels, classNames.length);
  return classNames.map((name, k) => ({
    class: name,
    ...decisionCurve(classScores(checked, k), isClass(checked, k)),
  }));
}

const oddsOf = (probability: number): number => probability / (1 - probability);

function check(probabilities: ArrayLike<number>, thresholds: readonly number[]): void {
  if (probabilities.length === 0) {
    throw new MsmaeError("Data", {
      where: "decision curve",
      expected: "at least one case",
      got: "none",
      todo: "check that the chosen split holds images",
    });
  }
  const outside = thresholds.find((threshold) => !(threshold > 0 && threshold < 1));
  if (outside === undefined) return;
  throw new MsmaeError("Config", {
    where: "decision curve, thresholds",
    expected: "probabilities between 0 and 1",
    got: String(outside),
    todo: "leave 0 and 1 out: they decide without a model",
  });
}
