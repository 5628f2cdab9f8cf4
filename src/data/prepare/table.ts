import { parse } from "csv-parse/sync";
import { MsmaeError, messageOf } from "../../errors.ts";

/** A table with a header line. Column names are in lower case, cells without surrounding space. */
export interface Table {
  name: string;
  columns: string[];
  /** The columns as they are written. */
  titles: string[];
  rows: Record<string, string>[];
}

const DELIMITERS = [",", ";", "\t"];

/**
 * Reads a table separated by commas, semicolons or tabs, whichever its header has most of.
 *
 * @throws MsmaeError Data when it is no such table, or has no rows.
 */
export function parseTable(name: string, text: string): Table {
  const header = text.slice(0, Math.max(0, text.search(/[\r\n]/)) || text.length);
  const count = (delimiter: string) => header.split(delimiter).length;
  const delimiter = DELIMITERS.reduce((best, next) => (count(next) > count(best) ? next : best));
  let titles: string[] = [];
  let columns: string[] = [];
  try {
    const rows: Record<string, string>[] = parse(text, {
      bom: true,
      delimiter,
      trim: true,
      skip_empty_lines: true,
      columns: (names: string[]) => {
        titles = names;
        columns = names.map((column) => column.toLowerCase());
        return columns;
      },
    });
    if (rows.length === 0) throw new Error("a table without rows");
    return { name, columns, titles, rows };
  } catch (cause) {
    const todo = "get the table again from its source";
    const parts = { where: name, expected: "a table with a header and rows", got: messageOf(cause), todo };
    throw new MsmaeError("Data", parts, { cause });
  }
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
