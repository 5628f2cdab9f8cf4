import { classificationMetrics } from "../../src/results/metrics/index.ts";
import { exact, hostValues } from "../tolerances.ts";
import { dtypeOfNumbers } from "./goldens.ts";
import type { Comparison } from "./harness.ts";

const scalars = [
  "accuracy",
  "balancedAccuracy",
  "f1Macro",
  "f1Weighted",
  "precisionMacro",
  "recallMacro",
  "kappa",
  "kappaQuadratic",
  "mcc",
  "logLoss",
  "brier",
] as const;

/** A case of `metrics-classification.json`; a metric that is undefined there is null or absent. */
export interface MetricsGolden extends Partial<Record<(typeof scalars)[number], number | null>> {
  kind: string;
  labels: number[];
  probabilities: number[][];
  confusion?: number[][];
  aucPerClass?: (number | null)[];
  apPerClass?: (number | null)[];
  roc?: ([fpr: number[], tpr: number[]] | null)[];
  ece15?: number;
}

/** What the cases hold beside the scalars. */
const others = ["kind", "labels", "probabilities", "confusion", "aucPerClass", "apPerClass", "roc", "ece15"];

/** Every figure of every case, and every point of every ROC curve. */
export function checkMetrics(goldens: readonly MetricsGolden[], out: Comparison): void {
  for (const golden of goldens) {
    const classes = golden.probabilities[0]?.length ?? 0;
    const metrics = classificationMetrics({
      probabilities: golden.probabilities.flat(),
      labels: golden.labels,
      classNames: Array.from({ length: classes }, (_, k) => `class ${k}`),
      allRocPoints: true,
    });
    const { kind: _kind, labels: _labels, probabilities: _probabilities, confusion: _confusion, ...figures } = golden;
    const tolerance = hostValues[dtypeOfNumbers(numbersIn(figures))];
    const add = (name: string, got: readonly (number | null)[], expected: readonly (number | null)[] | undefined) => {
      if (expected) out.add(`${golden.kind}/${name}`, "host", numbers(got), numbers(expected), tolerance, 1);
    };
    for (const name of scalars) if (golden[name] !== undefined) add(name, [metrics[name]], [golden[name]]);
    if (golden.ece15 !== undefined) add("ece15", [metrics.ece], [golden.ece15]);
    if (golden.confusion) {
      out.add(`${golden.kind}/confusion`, "host", metrics.confusion.flat(), golden.confusion.flat(), exact);
    }
    add(
      "aucPerClass",
      metrics.perClass.map(({ auc }) => auc),
      golden.aucPerClass,
    );
    add(
      "apPerClass",
      metrics.perClass.map(({ averagePrecision }) => averagePrecision),
      golden.apPerClass,
    );
    golden.roc?.forEach((curve, k) => {
      const got = metrics.roc[k]?.curve;
      add(`roc/${k}/fpr`, got?.fpr ?? [], curve?.[0] ?? []);
      add(`roc/${k}/tpr`, got?.tpr ?? [], curve?.[1] ?? []);
    });
    for (const key of Object.keys(golden)) {
      if (!others.includes(key) && !(scalars as readonly string[]).includes(key))
        out.notCovered.push(`${golden.kind}/${key}`);
    }
  }
}

/** Undefined figures as a number outside of every metric's range, so that they equal each other and nothing else. */
function numbers(values: readonly (number | null)[]): number[] {
  return values.map((value) => value ?? -1e9);
}

/** All numbers in a value of JSON, in its order. */
function numbersIn(value: unknown): number[] {
  if (typeof value === "number") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(numbersIn) : [];
}
