import { MsmaeError } from "../../support/errors.ts";
import { drawingOf, type Resampling, type ResamplingOptions, resamplingOf } from "./classification-intervals.ts";
import {
  CLASS_FIGURES,
  type ClassFigure,
  classificationStatistic,
  OVERALL_FIGURES,
  type OverallFigure,
} from "./classification-statistics.ts";
import { type DelongTest, delongTest } from "./delong.ts";
import { type Corrected, corrected } from "./holm.ts";
import { type McnemarTest, mcnemarTest } from "./mcnemar.ts";
import { type Difference, pairedDifferences, pairsOf } from "./paired-differences.ts";
import {
  argmaxRows,
  type CheckedProbabilities,
  checkProbabilities,
  classScores,
  correctness,
  isClass,
} from "./probabilities.ts";

/** One model's answers. */
export interface ComparedModel {
  name: string;
  /** [n, classes], row-major, of the same cases in the same order as those of the others. */
  probabilities: ArrayLike<number>;
}

/** What {@link compareClassifiers} takes. */
export interface ComparisonInput extends ResamplingOptions {
  models: readonly ComparedModel[];
  /** [n] true class indices. */
  labels: ArrayLike<number>;
  classNames: readonly string[];
}

/** How two models differ on the same cases; differences are the first less the second. */
export interface ClassifierPair {
  first: string;
  second: string;
  /** Of the predicted classes. It takes cases for independent, as do the tests of AUCs, also where groups are given. */
  mcnemar: Corrected<McnemarTest>;
  differences: Record<OverallFigure, Difference>;
  perClass: { class: string; auc: Corrected<DelongTest>; differences: Record<ClassFigure, Difference> }[];
}

/** All pairs of models; plain data that survives JSON unchanged. */
export interface ClassifierComparison {
  n: number;
  pairs: ClassifierPair[];
  resampling: Resampling;
}

/**
 * Compares classifiers on the same cases: McNemar's test of their predictions, DeLong's of each class's AUC, and every figure
 * of `classificationIntervals` by the paired bootstrap, corrected by Holm's method where there are more than two models.
 *
 * @throws MsmaeError Config for fewer than two models; "Data" or "Shape" as `checkProbabilities` and `bootstrapIntervals`.
 */
export function compareClassifiers({ models, labels, classNames, ...options }: ComparisonInput): ClassifierComparison {
  if (models.length < 2) {
    throw new MsmaeError("Config", {
      where: "comparison of classifiers, models",
      expected: "at least two",
      got: String(models.length),
      todo: "give the answers of several models on the same cases",
    });
  }
  const checked = models.map(({ probabilities }) => checkProbabilities(probabilities, labels, classNames.length));
  const pairs = pairsOf(models.length);
  const figures = pairedDifferences({
    ...drawingOf(options, checked[0] as CheckedProbabilities),
    models: checked.map(classificationStatistic),
  });
  const right = checked.map((model) => correctness(model, argmaxRows(model)));
  const mcnemar = corrected(pairs.map(([a, b]) => mcnemarTest(right[a] as Uint8Array, right[b] as Uint8Array)));
  const delong = classNames.map((_, k) => {
    const scores = checked.map((model) => classScores(model, k));
    const positive = isClass(checked[0] as CheckedProbabilities, k);
    return corrected(pairs.map(([a, b]) => delongTest(scores[a] as Float64Array, scores[b] as Float64Array, positive)));
  });
  const at = <Value>(values: readonly Value[], index: number): Value => values[index] as Value;
  return {
    n: labels.length,
    pairs: figures.pairs.map(({ first, second, differences }, pair) => ({
      first: at(models, first).name,
      second: at(models, second).name,
      mcnemar: at(mcnemar, pair),
      differences: pick(OVERALL_FIGURES, (figure) => differences[figure]),
      perClass: classNames.map((name, k) => ({
        class: name,
        auc: at(at(delong, k), pair),
        differences: pick(CLASS_FIGURES, (figure) => differences[`${k} ${figure}`] as Difference),
      })),
    })),
    resampling: resamplingOf(figures),
  };
}

function pick<Name extends string, Value>(names: readonly Name[], of: (name: Name) => Value): Record<Name, Value> {
  return Object.fromEntries(names.map((name) => [name, of(name)])) as Record<Name, Value>;
}
