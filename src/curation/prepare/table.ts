import { parseTable } from "../../data/tables/parse.ts";
import { tableText } from "../../data/tables/text.ts";
import { MsmaeError } from "../../support/errors.ts";

/** A table with a header line. Column names are in lower case, cells without surrounding space. */
export interface Table {
  name: string;
  columns: string[];
  /** The columns as they are written. */
  titles: string[];
  rows: Record<string, string>[];
}

/**
 * Reads a table separated by commas, semicolons or tabs.
 *
 * @param encoding - where it is no UTF-8 and has no byte order mark.
 * @throws MsmaeError Data when it is no such table, rows are of other lengths than the header, or there are none.
 */
export function publishedTable(name: string, bytes: Uint8Array, encoding?: string): Table {
  const { titles, records } = parseTable(name, tableText(name, bytes, encoding));
  const columns = titles.map((title) => title.toLowerCase());
  const fault = (got: string) => {
    const todo = "get the table again from its source";
    return new MsmaeError("Data", { where: name, expected: "a table with a header and rows", got, todo });
  };
  if (records.length === 0) throw fault("a table without rows");
  const rows = records.map(({ fields, line }) => {
    if (fields.length !== columns.length)
      throw fault(`${fields.length} fields instead of ${columns.length} in line ${line}`);
    return Object.fromEntries(columns.map((column, at) => [column, (fields[at] as string).trim()]));
  });
  return { name, columns, titles, rows };
}

/**
 * Holds a table to its columns, given in lower case.
 *
 * @throws MsmaeError Data naming the missing ones and those there are.
 */
export function requireColumns(table: Table, columns: readonly string[]): void {
  const missing = columns.filter((column) => !table.columns.includes(column));
  if (missing.length === 0) return;
  throw new MsmaeError("Data", {
    where: table.name,
    expected: `the columns ${columns.join(", ")}`,
    got: `${table.columns.join(", ")} (without ${missing.join(", ")})`,
    todo: "give the table as it is published",
  });
}

/** A cell that the caller knows to be there, since its column was asked for. */
export function cell(row: Readonly<Record<string, string>>, column: string): string {
  return row[column] ?? "";
}

/** @throws MsmaeError Data for a cell that holds something it must not. */
export function badCell(table: Table, row: number, column: string, expected: string): MsmaeError {
  const got = JSON.stringify(table.rows[row]?.[column] ?? "");
  const where = `${table.name}: row ${row + 2}, column ${column}`;
  return new MsmaeError("Data", { where, expected, got, todo: "correct the table, or give it as it is published" });
}
