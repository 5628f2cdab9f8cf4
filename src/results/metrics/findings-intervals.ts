import { bootstrapEstimates, type Estimate, groupsWith, proportionEstimate } from "./bootstrap.ts";
import { type Resampling, type ResamplingOptions, resamplingOf } from "./classification-intervals.ts";
import { checkFindings, type FindingsInput, f1Of, type KnownFinding, surpriseOf } from "./findings.ts";
import { rankCases, rankingStatistic } from "./ranking.ts";
import type { ResampledStatistic } from "./resample.ts";

/** The figures of one finding of which there are intervals, as `FindingsMetrics` defines them. */
export const FINDING_FIGURES = ["auc", "averagePrecision", "f1", "sensitivity", "specificity", "logLoss"] as const;
/** Those over all findings. */
export const FINDINGS_FIGURES = ["aucMean", "averagePrecisionMean", "f1Mean", "logLoss"] as const;

export type FindingFigure = (typeof FINDING_FIGURES)[number];
export type FindingsFigure = (typeof FINDINGS_FIGURES)[number];
/** A finding's figure has the index of the finding: `2 auc`. */
export type FindingStatistic = FindingsFigure | `${number} ${FindingFigure}`;

/** The figures of one finding with their intervals. */
export interface FindingEstimates {
  finding: string;
  /** positives / known. */
  prevalence: number | null;
  figures: Record<FindingFigure, Estimate>;
}

/** The figures of a model of several findings with their 95 % intervals; plain data that survives JSON unchanged. */
export interface FindingsIntervals {
  figures: Record<FindingsFigure, Estimate>;
  perFinding: FindingEstimates[];
  resampling: Resampling;
}

/**
 * The figures of several findings with 95 % intervals by the bootstrap, clustered by the group where groups are given. It is not
 * stratified, as each finding parts the cases otherwise: what a resample leaves undefined, such as the AUC of a finding that
 * is there in none of its cases, is as `bootstrapEstimates` says. A sensitivity or specificity of 0 or 1 has Wilson's
 * interval.
 *
 * @throws MsmaeError "Data" or "Shape" as `findingsMetrics` and `bootstrapIntervals`.
 */
export function findingsIntervals(input: FindingsInput & ResamplingOptions): FindingsIntervals {
  const { names, truth, groups, seed, resamples } = input;
  const cases = truth.length / names.length;
  const statistic = findingsStatistic(input);
  const { figures, ...drawn } = bootstrapEstimates({ cases, groups, seed, resamples, statistic });
  const isThere = (k: number, value: number) => (at: number) => truth[at * names.length + k] === value;
  const perFinding = names.map((finding, k): FindingEstimates => {
    const own = Object.fromEntries(FINDING_FIGURES.map((figure) => [figure, figures[`${k} ${figure}`]]));
    const proportion = (figure: "sensitivity" | "specificity", value: number): Estimate =>
      proportionEstimate(figures[`${k} ${figure}`] as Estimate, groupsWith(cases, groups, isThere(k, value)));
    const [positives, negatives] = [1, 0].map((value) => groupsWith(cases, undefined, isThere(k, value)));
    const known = (positives as number) + (negatives as number);
    return {
      finding,
      prevalence: known === 0 ? null : (positives as number) / known,
      figures: {
        ...(own as Record<FindingFigure, Estimate>),
        sensitivity: proportion("sensitivity", 1),
        specificity: proportion("specificity", 0),
      },
    };
  });
  const overall = Object.fromEntries(FINDINGS_FIGURES.map((name) => [name, figures[name]]));
  return {
    figures: overall as Record<FindingsFigure, Estimate>,
    perFinding,
    resampling: resamplingOf(drawn),
  };
}

/**
 * All figures of several findings on a resample of the cases. Means over findings are null where one of those that have the
 * figure has it not on this resample, for those of the others are another quantity.
 *
 * @throws MsmaeError "Data" or "Shape" as `findingsMetrics`.
 */
export function findingsStatistic(input: FindingsInput): ResampledStatistic<FindingStatistic> {
  const { thresholds } = input;
  const statistics = checkFindings(input).map((known, k) => findingStatistic(known, thresholds[k] as number));
  const once = new Uint32Array(input.truth.length / input.names.length).fill(1);
  const whole = statistics.map((statistic) => statistic(once));
  return (times) => {
    const found = statistics.map((statistic) => statistic(times));
    const meanOf = (figure: "auc" | "averagePrecision" | "f1"): number | null => {
      const counted = found.filter((_, k) => whole[k]?.[figure] !== null).map((figures) => figures[figure]);
      const defined = counted.filter((value) => value !== null);
      if (defined.length < counted.length || defined.length === 0) return null;
      return defined.reduce((sum, value) => sum + value, 0) / defined.length;
    };
    const known = found.reduce((sum, figures) => sum + figures.known, 0);
    const figures: Record<FindingStatistic, number | null> = {
      aucMean: meanOf("auc"),
      averagePrecisionMean: meanOf("averagePrecision"),
      f1Mean: meanOf("f1"),
      logLoss: known === 0 ? null : found.reduce((sum, { surprise }) => sum + surprise, 0) / known,
    };
    found.forEach((own, k) => {
      for (const figure of FINDING_FIGURES) figures[`${k} ${figure}`] = own[figure];
    });
    return figures;
  };
}

type OneFinding = Record<FindingFigure, number | null> & { known: number; surprise: number };

function findingStatistic(
  { cases, scores, positive }: KnownFinding,
  threshold: number,
): (times: Uint32Array) => OneFinding {
  const ranked = rankCases(scores, positive);
  // The order counts those of which the finding is known; resamples count all cases.
  const ranking = rankingStatistic({ ...ranked, order: ranked.order.map((at) => cases[at] as number) });
  const surprises = scores.map((score, at) => surpriseOf(score, positive[at] === 1));
  return (times) => {
    let [positives, negatives, truePositives, falsePositives, surprise] = [0, 0, 0, 0, 0];
    for (let at = 0; at < cases.length; at++) {
      const count = times[cases[at] as number] as number;
      if (count === 0) continue;
      surprise += count * (surprises[at] as number);
      const called = (scores[at] as number) >= threshold ? count : 0;
      if (positive[at] === 1) {
        positives += count;
        truePositives += called;
      } else {
        negatives += count;
        falsePositives += called;
      }
    }
    const known = positives + negatives;
    return {
      ...ranking(times),
      f1: f1Of(truePositives, falsePositives, positives),
      sensitivity: positives === 0 ? null : truePositives / positives,
      specificity: negatives === 0 ? null : 1 - falsePositives / negatives,
      logLoss: known === 0 ? null : surprise / known,
      known,
      surprise,
    };
  };
}
