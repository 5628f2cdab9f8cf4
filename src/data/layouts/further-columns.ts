import { join } from "node:path";
import { isFile } from "../../support/files/path-kind.ts";
import { readRegular } from "../../support/files/regular-file.ts";
import type { Dataset } from "../dataset.ts";
import type { Sample } from "../sample.ts";
import { findColumns, parseColumns } from "../tables/columns.ts";
import { TABLE_LIMITS } from "../tables/limits.ts";
import { parseTable } from "../tables/parse.ts";
import { tableText } from "../tables/text.ts";
import type { TableOptions } from "./listing.ts";
import { TablePaths } from "./table-paths.ts";

/** What a data set's table says of its images beside what is read of all tables, by the names of its columns. */
export interface FurtherColumns {
  names: string[];
  /** What stands in them for an image, as written; empty where it has no row. */
  of(sample: Pick<Sample, "path" | "item">): string[];
}

/** Columns whose content the data set itself has. */
const KNOWN = ["path", "label", "split", "slice", "mask"] as const;

/**
 * Reads the further columns of a data set that is a table; of others there are none.
 *
 * @throws MsmaeError Data where the table cannot be read.
 */
export async function furtherColumns(
  { layout, root, index }: Pick<Dataset, "layout" | "root" | "index">,
  dataPath: string,
  { columns, encoding }: TableOptions,
): Promise<FurtherColumns> {
  if (layout !== "csv") return { names: [], of: () => [] };
  const path = (await isFile(dataPath)) ? dataPath : join(dataPath, "dataset.csv");
  const table = parseTable(path, tableText(path, await readRegular(path, TABLE_LIMITS.bytes), encoding));
  const chosen = columns === undefined ? undefined : parseColumns(columns);
  const { places } = findColumns(path, table, { chosen, needed: ["path"] });
  const known = new Set(KNOWN.map((column) => places.get(column)));
  const further = [...table.titles.keys()].filter((at) => !known.has(at) && table.titles[at] !== "");
  const paths = new TablePaths(root, (file) => index.has(file));
  const rows = new Map<string, string[]>();
  for (const { fields } of table.records) {
    const found = await paths.find((fields[places.get("path") ?? 0] ?? "").trim());
    const slice = (fields[places.get("slice") ?? -1] ?? "").trim();
    if (!found || !("path" in found)) continue;
    rows.set(
      keyOf(found.path, slice === "" ? undefined : Number(slice)),
      further.map((at) => (fields[at] ?? "").trim()),
    );
  }
  const empty = further.map(() => "");
  return {
    names: further.map((at) => table.titles[at] as string),
    of: (sample) => rows.get(keyOf(sample.path, sample.item)) ?? rows.get(keyOf(sample.path)) ?? empty,
  };
}

function keyOf(path: string, item?: number): string {
  return `${item ?? ""} ${path}`;
}
