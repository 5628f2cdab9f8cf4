import { MsmaeError } from "../../support/errors.ts";
import { groupsWith } from "./bootstrap.ts";
import {
  type ClassificationIntervals,
  classificationIntervals,
  type IntervalsInput,
} from "./classification-intervals.ts";

/** What {@link subgroupIntervals} takes. */
export interface SubgroupsInput extends IntervalsInput {
  /** What sets cases apart: the name of a column, such as `sex`. */
  column: string;
  /** [n] its value for each case; empty or undefined where unknown. */
  values: readonly (string | undefined)[];
}

/** The cases of one value. */
export interface Subgroup {
  /** null: those whose value is unknown. */
  value: string | null;
  n: number;
  /** Whether there are too few cases for any figure to tell something. */
  tooSmall: boolean;
  /** The classes of which, or besides which, there are too few cases for a figure of theirs to tell something. */
  classesTooSmall: string[];
  figures: ClassificationIntervals;
}

/** Figures by subgroup, in the order of their values; plain data that survives JSON unchanged. */
export interface Subgroups {
  column: string;
  subgroups: Subgroup[];
  /** The fewest independent cases with which a subgroup, or either side of a class in it, is not too small. */
  fewest: { subgroup: number; class: number };
}

/**
 * Too few, in groups where there are groups of cases: below 30 the interval of a share of one half is wider than ±18 points,
 * and below 10 positives or negatives one case moves a sensitivity or specificity by more than 10.
 */
const FEWEST = { subgroup: 30, class: 10 } as const;

/**
 * The figures of a classifier with 95 % intervals in each subgroup of its cases. A figure that a subgroup does not define,
 * such as the AUC of a class that all its cases have, is null with the reason. Small subgroups are measured, and marked.
 *
 * @throws MsmaeError Shape when values are not one for each case; else as `classificationIntervals`.
 */
export function subgroupIntervals({ column, values, ...input }: SubgroupsInput): Subgroups {
  const { labels, classNames, groups } = input;
  if (values.length !== labels.length) {
    throw new MsmaeError("Shape", {
      where: `subgroups by ${column}`,
      expected: `${labels.length} values, one for each case`,
      got: `${values.length}`,
      todo: "give the value of every case, undefined where it is unknown",
    });
  }
  const cases = Map.groupBy(values.keys(), (at) => values[at] || null);
  const inOrder = [...cases].sort(([a], [b]) => Number(a === null) - Number(b === null) || order(a ?? "", b ?? ""));
  const subgroups = inOrder.map(([value, members]): Subgroup => {
    const own = { ...input, ...pickCases(input, members) };
    const count = (holds: (at: number) => boolean): number =>
      groupsWith(labels.length, groups, (at) => (values[at] || null) === value && holds(at));
    const small = classNames.filter(
      (_, k) =>
        Math.min(
          count((at) => labels[at] === k),
          count((at) => labels[at] !== k),
        ) < FEWEST.class,
    );
    return {
      value,
      n: members.length,
      tooSmall: count(() => true) < FEWEST.subgroup,
      classesTooSmall: small,
      figures: classificationIntervals(own),
    };
  });
  return { column, subgroups, fewest: { ...FEWEST } };
}

/** Numbers by size, so that `10` follows `9`; the same on every machine. */
const order = new Intl.Collator("en", { numeric: true }).compare;

function pickCases(
  { probabilities, labels, classNames, groups }: IntervalsInput,
  members: readonly number[],
): Pick<IntervalsInput, "probabilities" | "labels" | "groups"> {
  const row = (at: number) => classNames.map((_, k) => probabilities[at * classNames.length + k] as number);
  return {
    probabilities: members.flatMap(row),
    labels: members.map((at) => labels[at] as number),
    groups: groups && members.map((at) => groups[at]),
  };
}
