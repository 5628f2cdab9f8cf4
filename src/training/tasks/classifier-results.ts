import type { ClassificationMetrics } from "../../results/metrics/index.ts";
import { cardResults } from "../model-card.ts";

/** The figures that the model card of a classifier names. */
export function classifierResults({ accuracy, f1Macro, aucMacro }: ClassificationMetrics, split: string) {
  return cardResults(split, [
    ["Accuracy", "accuracy", accuracy],
    ["Macro F1", "f1", f1Macro],
    ["Mean one-vs-rest AUC", "roc_auc", aucMacro],
  ]);
}
