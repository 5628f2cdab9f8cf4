import { MsmaeError } from "../../support/errors.ts";
import { quantileOf } from "./quantile.ts";

/** Numbers sorted into ranges. */
export interface ValueRanges {
  /** [n] the name of each value's range; undefined where it is unknown. */
  values: (string | undefined)[];
  /** The names from the lowest range to the highest, also of those in which nothing lies. */
  names: string[];
}

/**
 * Sorts numbers into the ranges between cut points; a value at a cut point lies above it.
 *
 * @param values [n] numbers as written; empty or undefined where unknown.
 * @param cuts of which there is at least one; in any order.
 * @param column what the values are, for errors.
 * @throws MsmaeError Data for a value that is no number.
 */
export function valueRanges(
  values: readonly (string | undefined)[],
  cuts: readonly number[],
  column: string,
): ValueRanges {
  const inOrder = [...new Set(cuts)].sort((a, b) => a - b);
  const names = [
    `below ${inOrder[0]}`,
    ...inOrder.slice(1).map((cut, at) => `${inOrder[at]} to below ${cut}`),
    `${inOrder.at(-1)} or more`,
  ];
  const rangeOf = (value: string | undefined): string | undefined => {
    if (!value) return undefined;
    const number = Number(value);
    if (Number.isFinite(number)) return names[inOrder.filter((cut) => cut <= number).length];
    throw new MsmaeError("Data", {
      where: `subgroups by ${column}`,
      expected: "numbers, as cut points were given",
      got: JSON.stringify(value),
      todo: "leave the cut points out, or correct the column",
    });
  };
  return { values: values.map(rangeOf), names };
}

/** Numbers of more values than this are a scale. */
const MOST_NUMBERS = 8;

/** The quartiles of a column of many numbers; undefined where it is something else. */
export function quartilesOf(values: readonly (string | undefined)[]): number[] | undefined {
  const known = values.filter((value) => value !== undefined && value !== "");
  const numbers = Float64Array.from(known, Number).sort();
  if (!numbers.every(Number.isFinite) || new Set(numbers).size <= MOST_NUMBERS) return undefined;
  return [0.25, 0.5, 0.75].map((share) => Number(quantileOf(numbers, share).toPrecision(6)));
}
