import { binOfConfidence, CALIBRATION_BINS } from "./calibration.ts";
import { BINARY_FIGURES, binaryFigures, cohenKappa, countsPerClass, matthewsCorrelation } from "./confusion.ts";
import {
  argmaxRows,
  brierScore,
  type CheckedProbabilities,
  classScores,
  correctness,
  isClass,
  logLoss,
  topProbabilities,
} from "./probabilities.ts";
import { rankCases, rankingStatistic } from "./ranking.ts";
import type { ResampledStatistic } from "./resample.ts";

/** The figures over all classes of which there are intervals, as `ClassificationMetrics` defines them. */
export const OVERALL_FIGURES = [
  "accuracy",
  "balancedAccuracy",
  "f1Macro",
  "aucMacro",
  "averagePrecisionMacro",
  "kappa",
  "kappaQuadratic",
  "mcc",
  "logLoss",
  "brier",
  "ece",
] as const;

/**
 * The figures of one class against the others of which there are intervals. Sensitivity is its recall; `ppv` its precision,
 * but null where nothing is predicted as this class; specificity and `npv` are those of the others.
 */
export const CLASS_FIGURES = [...BINARY_FIGURES, "f1", "auc", "averagePrecision"] as const;

export type OverallFigure = (typeof OVERALL_FIGURES)[number];
export type ClassFigure = (typeof CLASS_FIGURES)[number];
/** A class figure's name has the index of its class: `2 auc`. */
export type StatisticName = OverallFigure | `${number} ${ClassFigure}`;

/**
 * All figures of a classifier on a resample of its cases. Means over classes are null where a class that occurs is in none
 * of the drawn cases, for those of the others are another quantity.
 */
export function classificationStatistic(checked: CheckedProbabilities): ResampledStatistic<StatisticName> {
  const { n, classes, labels } = checked;
  const predictions = argmaxRows(checked);
  const top = topProbabilities(checked, predictions);
  const correct = correctness(checked, predictions);
  const bins = Uint8Array.from(top, (confidence) => binOfConfidence(confidence));
  const cells = Uint32Array.from(predictions, (predicted, at) => (labels[at] as number) * classes + predicted);
  const losses = perCase(checked, logLoss);
  const briers = perCase(checked, brierScore);
  const rankings = Array.from({ length: classes }, (_, k) =>
    rankingStatistic(rankCases(classScores(checked, k), isClass(checked, k))),
  );
  const occurring = Array.from({ length: classes }, (_, k) => k).filter((k) =>
    Array.prototype.includes.call(labels, k),
  );
  const counts = new Float64Array(classes * classes);
  const gaps = new Float64Array(CALIBRATION_BINS);

  return (times) => {
    let [total, loss, brier] = [0, 0, 0];
    counts.fill(0);
    gaps.fill(0);
    for (let at = 0; at < n; at++) {
      const count = times[at] as number;
      if (count === 0) continue;
      const cell = cells[at] as number;
      const bin = bins[at] as number;
      total += count;
      loss += count * (losses[at] as number);
      brier += count * (briers[at] as number);
      counts[cell] = (counts[cell] as number) + count;
      gaps[bin] = (gaps[bin] as number) + count * ((top[at] as number) - (correct[at] as number));
    }
    const confusion = Array.from({ length: classes }, (_, k) => [...counts.subarray(k * classes, (k + 1) * classes)]);
    const perClass = countsPerClass(confusion);
    const ranked = rankings.map((ranking) => ranking(times));
    const complete = occurring.every((k) => (perClass[k]?.support as number) > 0);
    const meanOver = (all: readonly (number | null | undefined)[]): number | null => {
      const known = all.filter((value) => value !== null && value !== undefined);
      return complete && known.length > 0 ? known.reduce((sum, value) => sum + value, 0) / known.length : null;
    };
    const hits = confusion.reduce((sum, row, k) => sum + (row[k] as number), 0);
    const figures: Record<StatisticName, number | null> = {
      accuracy: hits / total,
      balancedAccuracy: meanOver(occurring.map((k) => perClass[k]?.recall)),
      f1Macro: meanOver(perClass.map(({ support, predicted, f1 }) => (support + predicted > 0 ? f1 : null))),
      aucMacro: meanOver(ranked.map(({ auc }) => auc)),
      averagePrecisionMacro: meanOver(ranked.map(({ averagePrecision }) => averagePrecision)),
      kappa: cohenKappa(confusion, "none") ?? null,
      kappaQuadratic: cohenKappa(confusion, "quadratic") ?? null,
      mcc: matthewsCorrelation(confusion),
      logLoss: loss / total,
      brier: brier / total,
      ece: gaps.reduce((sum, gap) => sum + Math.abs(gap), 0) / total,
    };
    for (let k = 0; k < classes; k++) {
      const { support, predicted, f1 } = perClass[k] as (typeof perClass)[number];
      const found = (confusion[k] as number[])[k] as number;
      const binary = binaryFigures({
        truePositives: found,
        falsePositives: predicted - found,
        falseNegatives: support - found,
        trueNegatives: total - support - predicted + found,
      });
      for (const name of BINARY_FIGURES) figures[`${k} ${name}`] = binary[name];
      figures[`${k} f1`] = support + predicted > 0 ? f1 : null;
      figures[`${k} auc`] = ranked[k]?.auc ?? null;
      figures[`${k} averagePrecision`] = ranked[k]?.averagePrecision ?? null;
    }
    return figures;
  };
}

/** A figure that is a mean over cases, of every case alone: [n]. */
function perCase(checked: CheckedProbabilities, figure: (one: CheckedProbabilities) => number): Float64Array {
  const { n, classes, probabilities, labels } = checked;
  const row = new Float64Array(classes);
  return Float64Array.from({ length: n }, (_, at) => {
    for (let k = 0; k < classes; k++) row[k] = probabilities[at * classes + k] as number;
    return figure({ n: 1, classes, probabilities: row, labels: [labels[at] as number] });
  });
}
