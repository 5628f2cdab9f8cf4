import type { Dataset, Sample } from "../../data/dataset.ts";
import { MsmaeError } from "../../support/errors.ts";

/**
 * Samples of a data set whose values are those that a model tells, in its order.
 *
 * @throws MsmaeError Data for a data set of other values, or of none.
 */
export function withValues(
  { values }: Pick<Dataset, "values">,
  samples: readonly Sample[],
  names: readonly string[],
  dataPath: string,
): Sample[] {
  if (values?.names.join("\0") === names.join("\0")) return [...samples];
  throw new MsmaeError("Data", {
    where: dataPath,
    expected: `a table with columns ${names.join(", ")}`,
    got: values ? `columns ${values.names.join(", ")}` : "classes",
    todo: "open the data set with the values that the model tells",
  });
}
