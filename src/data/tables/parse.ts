import { CsvError } from "csv-parse";
import { parse } from "csv-parse/sync";
import { MsmaeError } from "../../support/errors.ts";
import { TABLE_LIMITS } from "./limits.ts";

/** A line of a table. */
export interface TableRecord {
  /** As written, spaces included. */
  fields: string[];
  /** Line of the file on which the record ends, from 1. */
  line: number;
}

/** A table's header and its other lines; empty ones are passed over. */
export interface ParsedTable {
  /** Without spaces and invisible characters around them. */
  titles: string[];
  records: TableRecord[];
}

const DELIMITERS = [",", ";", "\t"];

/**
 * Parses a table separated by commas, semicolons or tabs: the one that a first line `sep=;` names, else whichever the
 * header has most of. Lines may end as on any system.
 *
 * @throws MsmaeError Data when quotes are not closed or stand where none may be.
 */
export function parseTable(where: string, text: string): ParsedTable {
  const [first = "", second = ""] = text.split(/\r\n|\n|\r/, 2);
  // Spreadsheets write and obey such a line.
  const named = /^\ufeff?"?sep=(.)"?$/i.exec(first)?.[1];
  const header = named === undefined ? first : second;
  if (hasMoreLines(text, TABLE_LIMITS.rows)) throw tooMuch(where, `at most ${TABLE_LIMITS.rows} lines`);
  if (header.length > TABLE_LIMITS.line) throw tooMuch(where, `lines of at most ${TABLE_LIMITS.line} characters`);
  const most = DELIMITERS.reduce((a, b) => (header.split(b).length > header.split(a).length ? b : a));
  const records: TableRecord[] = [];
  try {
    parse(text, {
      delimiter: named ?? most,
      bom: true,
      // Found by the first line alone, a table of mixed line ends would lose all but that one.
      record_delimiter: ["\r\n", "\n", "\r"],
      relax_column_count: true,
      max_record_size: TABLE_LIMITS.line,
      skip_empty_lines: true,
      skip_records_with_empty_values: true,
      on_record: (fields: string[], { lines }) => {
        records.push({ fields, line: lines });
        return null;
      },
    });
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    const todo = "close the quotes there, and double those inside of a field";
    throw new MsmaeError("Data", { where, expected: "a CSV file", got: cause.message, todo }, { cause });
  }
  if (named !== undefined) records.shift();
  const titles = (records.shift()?.fields ?? []).map((title) => title.replace(/\p{Cf}/gu, "").trim());
  return { titles, records };
}

function hasMoreLines(text: string, most: number): boolean {
  const end = text.includes("\n") ? "\n" : "\r";
  let lines = 1;
  for (let at = text.indexOf(end); at >= 0 && lines <= most; at = text.indexOf(end, at + 1)) lines++;
  return lines > most;
}

function tooMuch(where: string, expected: string): MsmaeError {
  return new MsmaeError("Data", { where, expected, got: "more", todo: "check that it is the right file" });
}
