import { countsPerClass } from "./confusion.ts";
import { mean } from "./mean.ts";

/** What a model trained with one seed told of some cases. */
export interface SeedAnswers<Figure extends string> {
  /** [n] what tells the cases apart, such as their paths. */
  cases: readonly string[];
  /** [n] the class of each; absent where all cases are alike. */
  strata?: ArrayLike<number>;
  /** Figures of the cases, each as often as `times` [n] says. */
  measure(times: Uint32Array): Record<Figure, number>;
  /** [n] non-zero where it is right; absent where an answer is more or less right. */
  right?: ArrayLike<number>;
}

/** Of one class for each case, as `classificationMetrics` has them. */
export type ClassAnswersFigure = "accuracy" | "balancedAccuracy" | "f1Macro";

/**
 * Answers of a classifier.
 *
 * @param labels [n] true class indices.
 * @param predictions [n] predicted class indices.
 */
export function classAnswers(
  cases: readonly string[],
  labels: ArrayLike<number>,
  predictions: ArrayLike<number>,
  classes: number,
): SeedAnswers<ClassAnswersFigure> {
  return {
    cases,
    strata: labels,
    right: Uint8Array.from(labels, (label, at) => Number(predictions[at] === label)),
    measure(times) {
      const confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
      for (let at = 0; at < times.length; at++) {
        const row = confusion[labels[at] as number] as number[];
        const told = predictions[at] as number;
        row[told] = (row[told] as number) + (times[at] as number);
      }
      const counts = countsPerClass(confusion);
      const occurring = counts.filter(({ support }) => support > 0);
      const seen = counts.filter(({ support, predicted }) => support + predicted > 0);
      const total = counts.reduce((sum, { support }) => sum + support, 0);
      return {
        accuracy: confusion.reduce((sum, row, k) => sum + (row[k] as number), 0) / total,
        balancedAccuracy: mean(occurring.map(({ recall }) => recall)),
        f1Macro: mean(seen.map(({ f1 }) => f1)),
      };
    },
  };
}

/**
 * Answers that have figures of their own for each case, such as the Dice of an image: their means.
 *
 * @param values [n] of each figure; NaN where a case does not define it, and does not count.
 */
export function valuedAnswers<Figure extends string>(
  cases: readonly string[],
  values: Readonly<Record<Figure, ArrayLike<number>>>,
): SeedAnswers<Figure> {
  const figures = Object.keys(values) as Figure[];
  return {
    cases,
    measure(times) {
      const means = figures.map((figure) => {
        let [sum, count] = [0, 0];
        for (let at = 0; at < times.length; at++) {
          const value = values[figure][at] as number;
          if (Number.isNaN(value)) continue;
          sum += value * (times[at] as number);
          count += times[at] as number;
        }
        return [figure, sum / count] as const;
      });
      return Object.fromEntries(means) as Record<Figure, number>;
    },
  };
}

/** Answers with figures of more kinds than one on the same cases; strata, and what is right, are those of the first. */
export function joinedAnswers<Figure extends string, Other extends string>(
  first: SeedAnswers<Figure>,
  second: Pick<SeedAnswers<Other>, "measure">,
): SeedAnswers<Figure | Other> {
  return { ...first, measure: (times) => ({ ...first.measure(times), ...second.measure(times) }) };
}
