import { MsmaeError } from "../../support/errors.ts";
import type { ClassificationInput } from "./classification.ts";
import { type CheckedProbabilities, checkProbabilities, logLoss } from "./probabilities.ts";

/**
 * How the probabilities of a group's cases become the group's: their mean, their largest, or the mean of the k largest (of
 * all where there are fewer).
 */
export type Aggregation = "mean" | "max" | `top-${number}`;

/** Cases in groups, such as a patient's images or a volume's slices. */
export interface GroupedCasesInput extends Omit<ClassificationInput, "allRocPoints"> {
  /** [n] of which group each case is. */
  groups: readonly string[];
  /**
   * Whether classes are in their order, as grades are: a group is then of the highest class of its cases, and what is aggregated
   * are the probabilities of at least each class. Two classes always are, the second being the positive one.
   */
  ordered: boolean;
}

/** Whether a text is the name of an aggregation. */
export function isAggregation(text: string): text is Aggregation {
  return /^(mean|max|top-[1-9]\d*)$/.test(text);
}

/** The cases of groups, before they are aggregated. */
export interface GroupedCases {
  /** [groups] in the order of their first cases. */
  names: string[];
  /** [groups] indices of the cases. */
  members: number[][];
  /** [groups] true class indices; undefined for a group of several classes that have no order. */
  labels: (number | undefined)[];
  /** Groups with cases of several classes. */
  mixed: number;
}

/**
 * Gathers cases by their groups.
 *
 * @throws MsmaeError "Data" or "Shape" as `checkProbabilities`; Shape where groups are not one for each case.
 */
export function groupCases(input: GroupedCasesInput): GroupedCases {
  const { groups, labels } = checked(input);
  const members = Map.groupBy(groups.keys(), (at) => groups[at] as string);
  const classesOf = [...members.values()].map((cases) => [...new Set(cases.map((at) => labels[at] as number))]);
  return {
    names: [...members.keys()],
    members: [...members.values()],
    labels: classesOf.map((found) => (found.length === 1 || isOrdered(input) ? Math.max(...found) : undefined)),
    mixed: classesOf.filter(({ length }) => length > 1).length,
  };
}

/**
 * The probabilities of groups.
 *
 * @returns [groups, classes], each row a probability distribution.
 */
export function aggregateGroups(
  input: Pick<GroupedCasesInput, "probabilities" | "classNames" | "ordered">,
  { members }: Pick<GroupedCases, "members">,
  aggregation: Aggregation,
): Float64Array {
  const classes = input.classNames.length;
  const { probabilities } = input;
  const aggregated = new Float64Array(members.length * classes);
  const told = isOrdered(input)
    ? (at: number, k: number) => atLeast(probabilities, at, classes, k)
    : (at: number, k: number) => probabilities[at * classes + k] as number;
  for (const [group, cases] of members.entries()) {
    const row = Array.from({ length: classes }, (_, k) =>
      combined(
        cases.map((at) => told(at, k)),
        aggregation,
      ),
    );
    const own = isOrdered(input) ? ofSteps(row) : row;
    const sum = own.reduce((total, value) => total + value, 0);
    aggregated.set(
      own.map((value) => value / sum),
      group * classes,
    );
  }
  return aggregated;
}

/** An aggregation and what it gives on the cases on which it may be chosen. */
export interface AggregationCandidate {
  aggregation: Aggregation;
  logLoss: number;
}

/** How many of the largest are tried. */
const TOPS = [2, 3, 5, 10];

/**
 * Every aggregation with its log-loss over the groups that have a class: the least is the best one, because it weighs
 * both the order of groups and what their probabilities say. Numbers of the largest that no group exceeds are left out: they would be the mean.
 *
 * @returns none where no group has several cases.
 * @throws MsmaeError as `groupCases`.
 */
export function aggregationCandidates(input: GroupedCasesInput): AggregationCandidate[] {
  const grouped = groupCases(input);
  const known = [...grouped.labels.keys()].filter((group) => grouped.labels[group] !== undefined);
  const members = known.map((group) => grouped.members[group] as number[]);
  const most = Math.max(0, ...members.map(({ length }) => length));
  if (most < 2) return [];
  const labels = known.map((group) => grouped.labels[group] as number);
  const tops = TOPS.filter((k) => k < most).map((k): Aggregation => `top-${k}`);
  return (["mean", "max", ...tops] as const).map((aggregation) => {
    const probabilities = aggregateGroups(input, { members }, aggregation);
    return { aggregation, logLoss: logLoss(checkProbabilities(probabilities, labels, input.classNames.length)) };
  });
}

/** The best of candidates, of equal ones the first. */
export function bestAggregation(candidates: readonly AggregationCandidate[]): Aggregation | undefined {
  const least = Math.min(...candidates.map((candidate) => candidate.logLoss));
  return candidates.find((candidate) => candidate.logLoss === least)?.aggregation;
}

function checked(input: GroupedCasesInput): CheckedProbabilities & Pick<GroupedCasesInput, "groups"> {
  const { probabilities, labels, classNames, groups } = input;
  const found = checkProbabilities(probabilities, labels, classNames.length);
  if (groups.length === found.n) return { ...found, groups };
  throw new MsmaeError("Shape", {
    where: "groups of cases",
    expected: `${found.n}, one for each case`,
    got: `${groups.length}`,
    todo: "give the group of every case",
  });
}

const isOrdered = ({ ordered, classNames }: Pick<GroupedCasesInput, "ordered" | "classNames">): boolean =>
  ordered || classNames.length === 2;

/** The probability of class k or a higher one. */
function atLeast(probabilities: ArrayLike<number>, at: number, classes: number, k: number): number {
  let sum = 0;
  for (let higher = classes - 1; higher >= k; higher--) sum += probabilities[at * classes + higher] as number;
  return sum;
}

/** Probabilities of classes from those of at least each, which never rise. */
function ofSteps(row: readonly number[]): number[] {
  return row.map((value, k) => value - (row[k + 1] ?? 0));
}

function combined(values: readonly number[], aggregation: Aggregation): number {
  const count = aggregation === "mean" ? values.length : aggregation === "max" ? 1 : Number(aggregation.slice(4));
  const largest = values.toSorted((a, b) => b - a).slice(0, count);
  return largest.reduce((sum, value) => sum + value, 0) / largest.length;
}
