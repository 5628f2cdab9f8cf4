import { isSameName } from "../../data/tables/spelling.ts";
import { MsmaeError } from "../../support/errors.ts";

/**
 * The model's index of each class of a data set. Equal numbers are the same class however they are written.
 *
 * @param where what the classes are of, for the error.
 * @throws MsmaeError Data when there are classes that the model does not know.
 */
export function classIndices(names: readonly string[], known: readonly string[], where: string): number[] {
  const unknown = names.filter((name) => indexOfName(name, known) < 0);
  if (unknown.length === 0) return names.map((name) => indexOfName(name, known));
  throw new MsmaeError("Data", {
    where,
    expected: `those the model knows (${known.join(", ")})`,
    got: unknown.join(", "),
    todo: "rename the class folders, or use the checkpoint that was trained on them",
  });
}

/** Where a name stands among those known; -1 where it is none of them. Equal numbers are one name however they are written. */
export function indexOfName(name: string, known: readonly string[]): number {
  const exact = known.indexOf(name);
  // Data frames write 1 as 1.0 where a column has gaps.
  return exact >= 0 ? exact : known.findIndex((other) => isSameName(other, name));
}
