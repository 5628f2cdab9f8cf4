import type { Interval } from "./bootstrap.ts";
import { CLASS_FIGURES, OVERALL_FIGURES } from "./classification-statistics.ts";
import type { ClassifierComparison } from "./comparison.ts";
import type { DelongTest } from "./delong.ts";
import type { Corrected } from "./holm.ts";
import type { McnemarTest } from "./mcnemar.ts";
import type { Difference, PairedDifferences } from "./paired-differences.ts";

/** What a probability is of. */
export type DifferenceTest = "paired-bootstrap" | "delong" | "mcnemar-exact" | "mcnemar-chi-squared";

/** One figure of the first model less that of the second, on the same cases; plain data that survives JSON unchanged. */
export interface ModelDifference {
  first: string;
  second: string;
  metric: string;
  /** The class, finding or outline that it is of; absent for figures over all. */
  class?: string;
  /** null where it is not defined. */
  delta: number | null;
  /** 95 % interval; null where there is none. */
  low: number | null;
  high: number | null;
  method: Interval["method"] | "delong";
  /** Two-sided; null where there is no test. */
  p: number | null;
  /** Corrected by Holm's method for as many tests of this figure as there are pairs of models. */
  pHolm: number | null;
  test: DifferenceTest;
  /** Why something is null. */
  reason?: string;
}

/** What a row is of. */
type Of = Pick<ModelDifference, "first" | "second" | "metric"> & { class?: string | undefined };

/**
 * The differences of all pairs of classifiers as rows: over all classes, then of each class. Where every case stands by itself
 * the probability of an accuracy is McNemar's and an AUC's interval and probability are DeLong's; where cases belong
 * together, which both pass over, all are the paired bootstrap's.
 */
export function classifierDifferences({ n, pairs, resampling }: ClassifierComparison): ModelDifference[] {
  const independent = resampling.groups === n;
  return pairs.flatMap(({ first, second, mcnemar, differences, perClass }) => {
    const overall = OVERALL_FIGURES.map((metric) => {
      const row = bootstrapRow({ first, second, metric }, differences[metric]);
      return independent && metric === "accuracy" ? { ...row, ...tested(mcnemar) } : row;
    });
    const ofClasses = perClass.flatMap(({ class: name, auc, differences: own }) =>
      CLASS_FIGURES.map((metric) => {
        const of = { first, second, metric, class: name };
        return independent && metric === "auc" ? delongRow(of, auc) : bootstrapRow(of, own[metric]);
      }),
    );
    return [...overall, ...ofClasses];
  });
}

/**
 * The differences of all pairs as rows.
 *
 * @param names [models]
 * @param meaningOf what a statistic's name is of.
 */
export function pairedRows<Name extends string>(
  { pairs }: PairedDifferences<Name>,
  names: readonly string[],
  meaningOf: (name: Name) => { metric: string; class?: string | undefined },
): ModelDifference[] {
  return pairs.flatMap(({ first, second, differences }) =>
    (Object.keys(differences) as Name[]).map((name) => {
      const of = { first: names[first] as string, second: names[second] as string };
      return bootstrapRow({ ...of, ...meaningOf(name) }, differences[name]);
    }),
  );
}

function bootstrapRow({ class: name, ...of }: Of, { value, low, high, method, p, pHolm, reason }: Difference) {
  const told = { delta: value, low, high, method, p, pHolm, test: "paired-bootstrap" as const };
  return { ...of, ...(name !== undefined && { class: name }), ...told, ...(reason !== undefined && { reason }) };
}

/** A row of an AUC's difference by DeLong's test. */
export function delongRow({ class: name, ...of }: Of, test: Corrected<DelongTest>): ModelDifference {
  const { difference, low, high, p, pHolm, reason } = test;
  const told = { delta: difference, low, high, method: "delong" as const, p, pHolm, test: "delong" as const };
  return { ...of, ...(name !== undefined && { class: name }), ...told, ...(reason !== undefined && { reason }) };
}

function tested({ method, p, pHolm }: Corrected<McnemarTest>): Pick<ModelDifference, "test" | "p" | "pHolm"> {
  return { test: method === "exact-binomial" ? "mcnemar-exact" : "mcnemar-chi-squared", p, pHolm };
}
