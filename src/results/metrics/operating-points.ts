import { MsmaeError } from "../../support/errors.ts";
import { bootstrapEstimates, type Estimate, groupsWith, proportionEstimate } from "./bootstrap.ts";
import { drawingOf, type Resampling, type ResamplingOptions, resamplingOf } from "./classification-intervals.ts";
import { BINARY_FIGURES, type BinaryCounts, type BinaryFigure, binaryFigures } from "./confusion.ts";
import { type ChosenThreshold, chooseThreshold, type OperatingRule } from "./operating-rules.ts";
import { type CheckedProbabilities, checkProbabilities, classScores, isClass } from "./probabilities.ts";
import type { ResampledStatistic } from "./resample.ts";

/** Answers and truth of one set of cases. */
export interface ClassifiedCases {
  /** [n, classes], row-major; each row a probability distribution. */
  probabilities: ArrayLike<number>;
  /** [n] true class indices. */
  labels: ArrayLike<number>;
}

/** What {@link operatingPoints} takes; groups are those of `appliedTo`. */
export interface OperatingPointsInput extends ResamplingOptions {
  classNames: readonly string[];
  /** The cases on which thresholds are chosen, such as the validation half. */
  chosenOn: ClassifiedCases;
  /** Other cases, on which they are measured. */
  appliedTo: ClassifiedCases;
  rules: readonly OperatingRule[];
  /** Which classes count as positive against all others. Default: of two classes the second, of more each. */
  positives?: readonly string[];
}

/** What a threshold gives on cases on which it was not chosen. */
export interface AppliedThreshold {
  support: number;
  /** support / n; predictive values hold for this prevalence. */
  prevalence: number;
  counts: BinaryCounts;
  figures: Record<BinaryFigure, Estimate>;
}

/** One class against the others, at one threshold. */
export interface OperatingPoint {
  class: string;
  rule: OperatingRule;
  chosen: ChosenThreshold | null;
  applied: AppliedThreshold | null;
  /** Why nothing was chosen. */
  reason?: string;
}

/** Operating points; plain data that survives JSON unchanged. */
export interface OperatingPoints {
  /** Cases on which they were chosen. */
  chosenOn: number;
  /** Cases on which they were measured. */
  n: number;
  points: OperatingPoint[];
  resampling: Resampling;
}

/**
 * Thresholds chosen on one set of cases and measured on another, with 95 % intervals as `classificationIntervals` has them:
 * of the cases on which they are measured, the threshold being given.
 *
 * @throws MsmaeError "Data", "Shape" or "Config" as `checkProbabilities`, `bootstrapIntervals` and `chooseThreshold`, and
 * for a positive class that does not exist.
 */
export function operatingPoints(input: OperatingPointsInput): OperatingPoints {
  const { classNames, chosenOn, appliedTo, rules, groups } = input;
  const from = checkProbabilities(chosenOn.probabilities, chosenOn.labels, classNames.length);
  const to = checkProbabilities(appliedTo.probabilities, appliedTo.labels, classNames.length);
  const points = positiveClasses(input).flatMap((k) => {
    const [scores, positive] = [classScores(from, k), isClass(from, k)];
    return rules.map((rule) => ({ k, rule, chosen: chooseThreshold(scores, positive, rule) ?? null }));
  });
  const calls = points.map(({ k, chosen }) => callsOf(to, k, chosen));
  const once = new Uint32Array(to.n).fill(1);
  const { figures, ...drawn } = bootstrapEstimates({ ...drawingOf(input, to), statistic: statisticOf(calls) });
  const estimatesOf = (at: number): Record<BinaryFigure, Estimate> => {
    const cells = calls[at] as Uint8Array;
    const estimate = (name: BinaryFigure) => {
      const among = groupsWith(to.n, groups, (index) => DENOMINATORS[name].includes(cells[index] as Cell));
      return [name, proportionEstimate(figures[`${at} ${name}`] as Estimate, among)];
    };
    return Object.fromEntries(BINARY_FIGURES.map(estimate));
  };
  return {
    chosenOn: from.n,
    n: to.n,
    points: points.map(({ k, rule, chosen }, at) => {
      const point = { class: classNames[k] as string, rule, chosen };
      if (chosen === null) {
        const reason = "the cases to choose on are all of this class or none of them is";
        return { ...point, applied: null, reason };
      }
      const counts = countCells(calls[at] as Uint8Array, once);
      const support = counts.truePositives + counts.falseNegatives;
      return { ...point, applied: { support, prevalence: support / to.n, counts, figures: estimatesOf(at) } };
    }),
    resampling: resamplingOf(drawn),
  };
}

/** How a case was called, and whether it is positive. */
const CELLS = { truePositive: 3, falsePositive: 1, falseNegative: 2, trueNegative: 0 } as const;
type Cell = (typeof CELLS)[keyof typeof CELLS];

const DENOMINATORS: Record<BinaryFigure, readonly Cell[]> = {
  sensitivity: [CELLS.truePositive, CELLS.falseNegative],
  specificity: [CELLS.trueNegative, CELLS.falsePositive],
  ppv: [CELLS.truePositive, CELLS.falsePositive],
  npv: [CELLS.trueNegative, CELLS.falseNegative],
};

/** The cell of each case, [n]; of no threshold as if nothing were called positive. */
function callsOf(cases: CheckedProbabilities, k: number, chosen: ChosenThreshold | null): Uint8Array {
  const threshold = chosen?.threshold ?? Number.POSITIVE_INFINITY;
  const positive = isClass(cases, k);
  return Uint8Array.from(
    classScores(cases, k),
    (score, at) => 2 * (positive[at] as number) + Number(score >= threshold),
  );
}

function countCells(cells: Uint8Array, times: Uint32Array): BinaryCounts {
  const counts = [0, 0, 0, 0];
  for (let at = 0; at < cells.length; at++) {
    const cell = cells[at] as number;
    counts[cell] = (counts[cell] as number) + (times[at] as number);
  }
  return {
    truePositives: counts[CELLS.truePositive] as number,
    falsePositives: counts[CELLS.falsePositive] as number,
    falseNegatives: counts[CELLS.falseNegative] as number,
    trueNegatives: counts[CELLS.trueNegative] as number,
  };
}

function statisticOf(calls: readonly Uint8Array[]): ResampledStatistic<`${number} ${BinaryFigure}`> {
  return (times) => {
    const figures: Record<`${number} ${BinaryFigure}`, number | null> = {};
    calls.forEach((cells, at) => {
      const found = binaryFigures(countCells(cells, times));
      for (const name of BINARY_FIGURES) figures[`${at} ${name}`] = found[name];
    });
    return figures;
  };
}

function positiveClasses({ classNames, positives }: OperatingPointsInput): number[] {
  if (positives === undefined) return classNames.length === 2 ? [1] : classNames.map((_, k) => k);
  return positives.map((name) => {
    const k = classNames.indexOf(name);
    if (k >= 0) return k;
    throw new MsmaeError("Config", {
      where: "operating points, positives",
      expected: `names among ${classNames.join(", ")}`,
      got: name,
      todo: "name classes of the model",
    });
  });
}
