import type { EvalOptions } from "../../config/index.ts";
import type { Dataset, Sample } from "../../data/dataset.ts";
import { furtherColumns } from "../../data/layouts/further-columns.ts";
import {
  parseSubgroups,
  quartilesOf,
  type SubgroupColumn,
  type Subgroups,
  type SubgroupsInput,
  subgroupIntervals,
  valueRanges,
} from "../../results/metrics/index.ts";
import { MsmaeError } from "../../support/errors.ts";

/** Columns of a data set's table by which its images are set apart. */
export interface SubgroupColumns {
  columns: readonly SubgroupColumn[];
  /** What stands in a column for an image; empty where nothing does. */
  valueIn(sample: Sample, column: string): string;
}

/**
 * The columns that were asked for; undefined where none were.
 *
 * @throws MsmaeError Config for a column that is not there; Data where the data set has no table or it cannot be read.
 */
export async function subgroupColumns(
  data: Dataset,
  options: Pick<EvalOptions, "subgroups" | "dataPath" | "columns" | "encoding">,
): Promise<SubgroupColumns | undefined> {
  if (options.subgroups === undefined) return undefined;
  const columns = parseSubgroups(options.subgroups);
  if (data.layout !== "csv") {
    throw new MsmaeError("Data", {
      where: "--subgroups",
      expected: "a data set that is a CSV file, whose columns say what images differ in",
      got: `${options.dataPath}, of layout ${data.layout}`,
      todo: "write dataset.csv with path, label, split and these columns, or leave it out",
    });
  }
  const { names, of } = await furtherColumns(data, options.dataPath, options);
  const unknown = columns.map(({ column }) => column).filter((column) => !names.includes(column));
  if (unknown.length > 0) {
    throw new MsmaeError("Config", {
      where: "--subgroups",
      expected: names.length > 0 ? `of ${names.join(", ")}` : "nothing, since the table has no further columns",
      got: unknown.join(", "),
      todo: "choose of these",
    });
  }
  return { columns, valueIn: (sample, column) => of(sample)[names.indexOf(column)] ?? "" };
}

/** More different values than this are names, not groups. */
const MOST_VALUES = 20;

/**
 * The figures of a classifier by the values of columns: numbers between their cut points, or in quartiles where there are
 * many of them.
 *
 * @param samples [n] the images of the figures.
 * @throws MsmaeError Config for a column of too many values; Data for one that is cut and holds something else than numbers.
 */
export function subgroupsOf(
  { columns, valueIn }: SubgroupColumns,
  samples: readonly Sample[],
  input: Omit<SubgroupsInput, "column" | "values">,
): Subgroups[] {
  return columns.map(({ column, cuts }) => {
    const values = samples.map((sample) => valueIn(sample, column));
    const chosen = cuts ?? quartilesOf(values);
    const ranges = chosen && valueRanges(values, chosen, column);
    const distinct = new Set(ranges?.values ?? values).size;
    if (distinct > MOST_VALUES) {
      throw new MsmaeError("Config", {
        where: `--subgroups ${column}`,
        expected: `a column of at most ${MOST_VALUES} values, or of numbers`,
        got: `${distinct} values`,
        todo: "choose another column, or one that sorts these into groups",
      });
    }
    const found = subgroupIntervals({ ...input, column, values: ranges?.values ?? values });
    if (!ranges) return found;
    const rank = ({ value }: Subgroups["subgroups"][number]) =>
      value === null ? ranges.names.length : ranges.names.indexOf(value);
    return { ...found, subgroups: found.subgroups.toSorted((a, b) => rank(a) - rank(b)) };
  });
}
