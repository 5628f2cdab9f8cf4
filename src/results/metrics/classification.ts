import { type CalibrationBin, calibrationBins, expectedCalibrationError } from "./calibration.ts";
import { cohenKappa, confusionMatrix, countsPerClass, matthewsCorrelation } from "./confusion.ts";
import { mean, meanDefined } from "./mean.ts";
import {
  argmaxRows,
  brierScore,
  type CheckedProbabilities,
  checkProbabilities,
  classScores,
  correctness,
  isClass,
  logLoss,
  topProbabilities,
} from "./probabilities.ts";
import { areaUnderRoc, averagePrecision, type RocCurve, rocCurve } from "./roc.ts";

/** What {@link classificationMetrics} takes. */
export interface ClassificationInput {
  /** [n, classes], row-major; each row a probability distribution. */
  probabilities: ArrayLike<number>;
  /** [n] true class indices. */
  labels: ArrayLike<number>;
  /** [classes] names in the model's class order. */
  classNames: readonly string[];
  /** Keep every point of the ROC curves, also those on straight lines. Default false. */
  allRocPoints?: boolean;
}

/** Figures of one class against all others. */
export interface PerClassMetrics {
  class: string;
  /** Number of images whose true class this is. */
  support: number;
  precision: number;
  recall: number;
  f1: number;
  /** Area under the ROC curve; null where every image or none is of this class. */
  auc: number | null;
  /** Average precision; null where no image is of this class. */
  averagePrecision: number | null;
}

/** A figure that these images do not define, and why. */
export interface UndefinedMetric {
  metric: string;
  class?: string;
  reason: string;
}

/** The figures of a classifier on one set of images; plain data that survives JSON unchanged. */
export interface ClassificationMetrics {
  /** Number of images. */
  n: number;
  classNames: string[];
  /** Share of images whose most probable class is the true one. */
  accuracy: number;
  /** Mean recall over the classes that occur. */
  balancedAccuracy: number;
  /** Means over the classes that occur in the truth or the predictions. */
  f1Macro: number;
  precisionMacro: number;
  recallMacro: number;
  /** F1 weighted by each class's support. */
  f1Weighted: number;
  /** Mean one-vs-rest AUC over the classes where it is defined; null where it is defined for none. */
  aucMacro: number | null;
  /** Mean average precision over the classes that occur. */
  averagePrecisionMacro: number | null;
  /** Cohen's kappa; null where truth and predictions are all of one class. */
  kappa: number | null;
  /** Quadratic weighted kappa: meaningful for ordered classes. */
  kappaQuadratic: number | null;
  /** Matthews' correlation coefficient. */
  mcc: number;
  /** Mean negative natural log-likelihood. */
  logLoss: number;
  /** Brier score over all classes, in [0, 2]. */
  brier: number;
  /** Expected calibration error over 15 bins of the top probability. */
  ece: number;
  perClass: PerClassMetrics[];
  /** confusion[truth][predicted], counts. */
  confusion: number[][];
  /** ROC curve of each class against the rest; null where undefined. */
  roc: { class: string; curve: RocCurve | null }[];
  /** The 15 bins behind `ece`. */
  calibration: CalibrationBin[];
  /** Which of the above are null, and why. */
  undefinedMetrics: UndefinedMetric[];
}

/**
 * All classification figures of one set of images.
 *
 * @throws MsmaeError "Data" or "Shape" as {@link checkProbabilities}.
 * Source: definitions of scikit-learn, to which the values agree within 1e-12; Brier 1950; Guo et al. 2017 for `ece`.
 */
export function classificationMetrics(input: ClassificationInput): ClassificationMetrics {
  const classNames = [...input.classNames];
  const checked = checkProbabilities(input.probabilities, input.labels, classNames.length);
  const predictions = argmaxRows(checked);
  const confusion = confusionMatrix(checked.labels, predictions, checked.classes);
  const counts = countsPerClass(confusion);
  const ranked = rankingFigures(checked, classNames, input.allRocPoints ?? false);
  const seen = counts.filter(({ support, predicted }) => support + predicted > 0);
  const occurring = counts.filter(({ support }) => support > 0);
  const calibration = calibrationBins(topProbabilities(checked, predictions), correctness(checked, predictions));
  const kappa = cohenKappa(confusion, "none") ?? null;
  const kappaQuadratic = cohenKappa(confusion, "quadratic") ?? null;
  const undefinedMetrics = [...ranked.undefinedMetrics];
  if (kappa === null) {
    const reason = "truth and predictions are all of one class";
    undefinedMetrics.push({ metric: "kappa", reason }, { metric: "kappaQuadratic", reason });
  }
  return {
    n: checked.n,
    classNames,
    accuracy: confusion.reduce((sum, row, k) => sum + (row[k] as number), 0) / checked.n,
    balancedAccuracy: mean(occurring.map(({ recall }) => recall)),
    f1Macro: mean(seen.map(({ f1 }) => f1)),
    precisionMacro: mean(seen.map(({ precision }) => precision)),
    recallMacro: mean(seen.map(({ recall }) => recall)),
    f1Weighted: counts.reduce((sum, { f1, support }) => sum + f1 * support, 0) / checked.n,
    aucMacro: meanDefined(ranked.auc),
    averagePrecisionMacro: meanDefined(ranked.averagePrecision),
    kappa,
    kappaQuadratic,
    mcc: matthewsCorrelation(confusion),
    logLoss: logLoss(checked),
    brier: brierScore(checked),
    ece: expectedCalibrationError(calibration),
    perClass: counts.map(({ support, precision, recall, f1 }, k) => ({
      class: classNames[k] as string,
      support,
      precision,
      recall,
      f1,
      auc: ranked.auc[k] ?? null,
      averagePrecision: ranked.averagePrecision[k] ?? null,
    })),
    confusion,
    roc: ranked.roc,
    calibration,
    undefinedMetrics,
  };
}

interface RankingFigures {
  auc: (number | null)[];
  averagePrecision: (number | null)[];
  roc: { class: string; curve: RocCurve | null }[];
  undefinedMetrics: UndefinedMetric[];
}

function rankingFigures(
  checked: CheckedProbabilities,
  classNames: readonly string[],
  allPoints: boolean,
): RankingFigures {
  const figures: RankingFigures = { auc: [], averagePrecision: [], roc: [], undefinedMetrics: [] };
  for (const [k, name] of classNames.entries()) {
    const scores = classScores(checked, k);
    const positive = isClass(checked, k);
    const curve = rocCurve(scores, positive, { dropCollinear: !allPoints });
    const precision = averagePrecision(scores, positive);
    figures.roc.push({ class: name, curve: curve ?? null });
    figures.auc.push(curve === undefined ? null : areaUnderRoc(curve));
    figures.averagePrecision.push(precision ?? null);
    const reason = precision === undefined ? "no image of this class" : "every image is of this class";
    if (curve === undefined) figures.undefinedMetrics.push({ metric: "auc", class: name, reason });
    if (precision === undefined) figures.undefinedMetrics.push({ metric: "averagePrecision", class: name, reason });
  }
  if (figures.auc.every((value) => value === null)) {
    figures.undefinedMetrics.push({ metric: "aucMacro", reason: "no class has both positives and negatives" });
  }
  return figures;
}
