import { MsmaeError } from "../../support/errors.ts";
import { meanDefined } from "./mean.ts";
import { areaUnderRoc, averagePrecision, type RocCurve, rocCurve } from "./roc.ts";

/** What {@link findingsMetrics} takes. */
export interface FindingsInput {
  /** [n, findings], each in [0, 1]. */
  probabilities: ArrayLike<number>;
  /** [n, findings]: 1 where a finding is there, 0 where not, NaN where nobody knows. */
  truth: ArrayLike<number>;
  /** [findings] */
  names: readonly string[];
  /** [findings] from which probability on a finding counts as there. */
  thresholds: readonly number[];
}

/** Figures of one finding over the images of which it is known. */
export interface FindingFigures {
  finding: string;
  /** Images of which it is known, and those where it is there. */
  known: number;
  positives: number;
  /** Area under the ROC curve; null where it is there in every image or none. */
  auc: number | null;
  /** Average precision; null where it is there in none. */
  averagePrecision: number | null;
  /** From which probability on it counts as there. */
  threshold: number;
  /** At the threshold; null where it is neither there nor predicted. */
  f1: number | null;
  /** At the threshold; null where it is there in none, or in every image. */
  sensitivity: number | null;
  specificity: number | null;
  /** Mean binary cross-entropy; null where it is known of no image. */
  logLoss: number | null;
}

/** The figures of a model of several findings; plain data that survives JSON unchanged. */
export interface FindingsMetrics {
  /** Number of images. */
  n: number;
  findings: string[];
  /** Means over the findings for which each is defined; null where it is for none. */
  aucMean: number | null;
  averagePrecisionMean: number | null;
  f1Mean: number | null;
  /** Mean binary cross-entropy over all that is known; null where nothing is. */
  logLoss: number | null;
  perFinding: FindingFigures[];
  roc: { finding: string; curve: RocCurve | null }[];
}

/**
 * All figures of several findings on one set of images, each over the images of which it is known.
 *
 * @throws MsmaeError Shape when sizes do not fit; Data for what is no probability or no finding.
 * Source: definitions of scikit-learn (`roc_auc_score`, `average_precision_score`, `f1_score`).
 */
export function findingsMetrics(input: FindingsInput): FindingsMetrics {
  const { truth, names, thresholds } = input;
  const n = truth.length / names.length;
  const columns = checkFindings(input);
  const perFinding = columns.map((column, k) => figuresOf(column, names[k] as string, thresholds[k] as number));
  const known = perFinding.reduce((sum, figures) => sum + figures.known, 0);
  const surprise = perFinding.reduce((sum, figures) => sum + (figures.logLoss ?? 0) * figures.known, 0);
  return {
    n,
    findings: [...names],
    aucMean: meanDefined(perFinding.map(({ auc }) => auc)),
    averagePrecisionMean: meanDefined(perFinding.map((figures) => figures.averagePrecision)),
    f1Mean: meanDefined(perFinding.map(({ f1 }) => f1)),
    logLoss: known === 0 ? null : surprise / known,
    perFinding,
    roc: columns.map(({ scores, positive }, k) => ({
      finding: names[k] as string,
      curve: rocCurve(scores, positive, { dropCollinear: true }) ?? null,
    })),
  };
}

/**
 * From which probability on each finding counts as there, so that its F1 is best: the middle between two neighbouring
 * probabilities of these images, the highest of several that do as well, as a float32. One half where a finding is there in every image
 * or none of those known.
 *
 * @returns [findings]
 */
export function bestThresholds({ probabilities, truth, names }: Omit<FindingsInput, "thresholds">): number[] {
  return names.map((_, k) => bestThreshold(knownOf(probabilities, truth, k, names.length)));
}

/**
 * The images of which each finding is known.
 *
 * @returns [findings]
 * @throws MsmaeError as {@link findingsMetrics}.
 */
export function checkFindings({ probabilities, truth, names, thresholds }: FindingsInput): KnownFinding[] {
  const findings = names.length;
  if (
    probabilities.length !== truth.length ||
    !Number.isInteger(truth.length / findings) ||
    thresholds.length !== findings
  ) {
    throw new MsmaeError("Shape", {
      where: "findingsMetrics",
      expected: "a probability, a truth and a threshold for each of the findings",
      got: `${probabilities.length} probabilities, ${truth.length} truths, ${thresholds.length} thresholds, ${findings} findings`,
      todo: "give rows of all findings",
    });
  }
  return names.map((_, k) => knownOf(probabilities, truth, k, findings));
}

/** The images of which a finding is known. */
export interface KnownFinding {
  /** Which images. */
  cases: number[];
  scores: number[];
  /** 1 or 0. */
  positive: number[];
}

function knownOf(
  probabilities: ArrayLike<number>,
  truth: ArrayLike<number>,
  k: number,
  findings: number,
): KnownFinding {
  const known: KnownFinding = { cases: [], scores: [], positive: [] };
  for (let at = k; at < truth.length; at += findings) {
    const [score, value] = [probabilities[at] as number, truth[at] as number];
    if (!(score >= 0 && score <= 1) || !(Number.isNaN(value) || value === 0 || value === 1)) {
      throw new MsmaeError("Data", {
        where: `findingsMetrics, image ${Math.floor(at / findings)}, finding ${k}`,
        expected: "a probability from 0 to 1, and 0, 1 or NaN",
        got: `${score} and ${value}`,
        todo: "look for outputs that are not finite",
      });
    }
    if (Number.isNaN(value)) continue;
    known.cases.push(Math.floor(at / findings));
    known.scores.push(score);
    known.positive.push(value);
  }
  return known;
}

function figuresOf({ scores, positive }: KnownFinding, finding: string, threshold: number): FindingFigures {
  const counts = { truePositives: 0, falsePositives: 0, positives: 0, negatives: 0 };
  let surprise = 0;
  for (const [i, score] of scores.entries()) {
    const there = positive[i] === 1;
    counts[there ? "positives" : "negatives"]++;
    if (score >= threshold) counts[there ? "truePositives" : "falsePositives"]++;
    surprise += surpriseOf(score, there);
  }
  const { truePositives, falsePositives, positives, negatives } = counts;
  const curve = rocCurve(scores, positive);
  return {
    finding,
    known: scores.length,
    positives,
    auc: curve === undefined ? null : areaUnderRoc(curve),
    averagePrecision: averagePrecision(scores, positive) ?? null,
    threshold,
    f1: f1Of(truePositives, falsePositives, positives),
    sensitivity: positives === 0 ? null : truePositives / positives,
    specificity: negatives === 0 ? null : 1 - falsePositives / negatives,
    logLoss: scores.length === 0 ? null : surprise / scores.length,
  };
}

/** Binary cross-entropy of one probability; what rounds to 0 or 1 is as sure as a double can say. */
export function surpriseOf(score: number, there: boolean): number {
  return -Math.log(Math.max(there ? score : 1 - score, Number.EPSILON));
}

/** Null where there is nothing to find and nothing was found. */
export function f1Of(truePositives: number, falsePositives: number, positives: number): number | null {
  const all = truePositives + falsePositives + positives;
  return all === 0 ? null : (2 * truePositives) / all;
}

function bestThreshold({ scores, positive }: KnownFinding): number {
  const positives = positive.reduce((a, b) => a + b, 0);
  if (positives === 0 || positives === positive.length) return 0.5;
  const order = [...scores.keys()].sort((a, b) => (scores[b] as number) - (scores[a] as number));
  let best = { f1: -1, threshold: 0.5 };
  let truePositives = 0;
  for (const [rank, i] of order.entries()) {
    truePositives += positive[i] as number;
    const score = scores[i] as number;
    const next = scores[order[rank + 1] ?? -1] ?? 0;
    if (rank + 1 < order.length && next === score) continue;
    const f1 = f1Of(truePositives, rank + 1 - truePositives, positives) as number;
    if (f1 > best.f1) best = { f1, threshold: Math.fround((score + next) / 2) };
  }
  return best.threshold;
}
