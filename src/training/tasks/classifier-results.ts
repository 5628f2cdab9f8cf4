import type { ClassificationMetrics } from "../../results/metrics/index.ts";

/** The figures that the model card of a classifier names. */
export function classifierResults({ accuracy, f1Macro, aucMacro }: ClassificationMetrics, split: string) {
  const result = (name: string, type: string, value: number | null) =>
    value === null ? [] : [{ name, type, value, split }];
  return [
    ...result("Accuracy", "accuracy", accuracy),
    ...result("Macro F1", "f1", f1Macro),
    ...result("Mean one-vs-rest AUC", "roc_auc", aucMacro),
  ];
}
