import {
  type BootstrapEstimates,
  bootstrapEstimates,
  type Estimate,
  groupsWith,
  proportionEstimate,
} from "./bootstrap.ts";
import type { ClassificationInput } from "./classification.ts";
import {
  CLASS_FIGURES,
  type ClassFigure,
  classificationStatistic,
  OVERALL_FIGURES,
  type OverallFigure,
  type StatisticName,
} from "./classification-statistics.ts";
import { argmaxRows, type CheckedProbabilities, checkProbabilities } from "./probabilities.ts";
import type { Drawing } from "./resample.ts";

/** How the cases of a classifier are drawn anew: always as many of every class as there are. */
export interface ResamplingOptions {
  /**
   * [n] of which patient or lesion each case is: those of one group are drawn together, as many groups of every class as
   * there are; groups with cases of several classes are drawn among themselves.
   */
  groups?: readonly (string | undefined)[] | undefined;
  seed: number;
  /** Default 2000. */
  resamples?: number | undefined;
}

/** What {@link classificationIntervals} takes. */
export type IntervalsInput = Omit<ClassificationInput, "allRocPoints"> & ResamplingOptions;

/** What was drawn anew, and how often. */
export interface Resampling {
  /** Cases, or groups of them. */
  groups: number;
  /** Groups with cases of several classes. */
  mixedGroups: number;
  resamples: number;
}

/** The figures of one class with their intervals. */
export interface ClassEstimates {
  class: string;
  /** Cases of this class. */
  support: number;
  /** support / n. Drawn by class, resamples do not differ in it, so that it has no interval. */
  prevalence: number;
  figures: Record<ClassFigure, Estimate>;
}

/** The figures of a classifier with their 95 % intervals; plain data that survives JSON unchanged. */
export interface ClassificationIntervals {
  n: number;
  classNames: string[];
  figures: Record<OverallFigure, Estimate>;
  perClass: ClassEstimates[];
  resampling: Resampling;
}

/**
 * The figures of a classifier with 95 % intervals by the bootstrap, stratified by the true class and clustered by the group
 * where groups are given. All are of the same resamples. A proportion (accuracy, sensitivity, specificity, PPV, NPV) that is
 * 0 or 1 on these cases has Wilson's interval, of as many independent cases as groups in its denominator.
 *
 * @throws MsmaeError "Data" or "Shape" as `checkProbabilities` and `bootstrapIntervals`.
 */
export function classificationIntervals(input: IntervalsInput): ClassificationIntervals {
  const classNames = [...input.classNames];
  const checked = checkProbabilities(input.probabilities, input.labels, classNames.length);
  const { n, labels } = checked;
  const { figures, ...drawn } = bootstrapEstimates({
    ...drawingOf(input, checked),
    statistic: classificationStatistic(checked),
  });
  const predictions = argmaxRows(checked);
  const proportion = (name: StatisticName, holds: (at: number) => boolean): Estimate =>
    proportionEstimate(figures[name] as Estimate, groupsWith(n, input.groups, holds));
  const perClass = classNames.map((name, k): ClassEstimates => {
    const support = groupsWith(n, undefined, (at) => labels[at] === k);
    const own = Object.fromEntries(CLASS_FIGURES.map((figure) => [figure, figures[`${k} ${figure}`]]));
    return {
      class: name,
      support,
      prevalence: support / n,
      figures: {
        ...(own as Record<ClassFigure, Estimate>),
        sensitivity: proportion(`${k} sensitivity`, (at) => labels[at] === k),
        specificity: proportion(`${k} specificity`, (at) => labels[at] !== k),
        ppv: proportion(`${k} ppv`, (at) => predictions[at] === k),
        npv: proportion(`${k} npv`, (at) => predictions[at] !== k),
      },
    };
  });
  const overall = Object.fromEntries(OVERALL_FIGURES.map((name) => [name, figures[name]]));
  return {
    n,
    classNames,
    figures: { ...(overall as Record<OverallFigure, Estimate>), accuracy: proportion("accuracy", () => true) },
    perClass,
    resampling: resamplingOf(drawn),
  };
}

/** How cases are drawn with given options, stratified by their labels. */
export function drawingOf(
  { groups, seed, resamples }: ResamplingOptions,
  { n, labels }: Pick<CheckedProbabilities, "n" | "labels">,
): Omit<Drawing, "resamples"> & { resamples: number | undefined } {
  return { cases: n, groups, strata: labels, seed, resamples };
}

/** What of a drawing a result tells. */
export function resamplingOf({
  groups,
  mixedGroups,
  resamples,
}: Omit<BootstrapEstimates<string>, "figures" | "p">): Resampling {
  return { groups, mixedGroups, resamples };
}
