import { MsmaeError, messageOf } from "../../support/errors.ts";
import { readRegular } from "../../support/files/regular-file.ts";
import { BACKGROUND, NO_MASK } from "../sample.ts";
import { SPLITS, type Split, splitNamed } from "../split-name.ts";
import { type Column, findColumns, parseColumns } from "../tables/columns.ts";
import { TABLE_LIMITS } from "../tables/limits.ts";
import { parseTable } from "../tables/parse.ts";
import { tableText } from "../tables/text.ts";
import { NO_VALUE, ValueFields } from "../tables/value-columns.ts";
import { dataError, faultList, type TableOptions } from "./listing.ts";

/** One row of a data set's table, checked by itself; empty fields are absent. */
export interface TableRow {
  /** Line of the file, from 1. */
  line: number;
  path: string;
  /** As written, spaces around it included; so are the patient and the lesion. */
  label: string | undefined;
  split: Split | undefined;
  patient: string | undefined;
  lesion: string | undefined;
  slice: number | undefined;
  mask: string | undefined;
  fold: number | undefined;
  /** As {@link Sample.values}; undefined where none were asked for. */
  values: number[] | undefined;
}

/** What a table is read for. */
export type TableKind = "data" | "masks" | "split";

/** A data set's table, and what is wrong with its rows. */
export interface ImageTable {
  rows: TableRow[];
  faults: string[];
  notices: string[];
}

/**
 * Reads a table of images. Rows that cannot be used are named in `faults`.
 *
 * @param kind a `data` table needs the columns `path` and `label`; a `masks` table `path` and either `label` or `mask`; a
 * `split` table the path only, it may be of UTF-8 where another encoding is named, and need not have the named columns.
 * @throws MsmaeError Data when there is no such file, it is no table, or columns are missing or ambiguous; Config for
 * columns that are not there.
 */
export async function readImageTable(
  path: string,
  { columns, encoding, values }: TableOptions,
  kind: TableKind,
): Promise<ImageTable> {
  const table = parseTable(path, await textOf(path, encoding, kind));
  const { titles, records } = table;
  const { places, notices } = findColumns(path, table, {
    chosen: columns === undefined ? undefined : parseColumns(columns),
    needed: kind === "split" || values ? ["path"] : ["path", "label"],
    masksWithoutLabels: kind === "masks",
    lenient: kind === "split",
  });
  const valued = values && kind !== "split" ? new ValueFields(path, titles, values) : undefined;
  const faults: string[] = [];
  const rows: TableRow[] = [];
  for (const record of records) {
    const { fields, line } = record;
    if (fields.length !== titles.length) {
      faults.push(`line ${line}: ${fields.length} fields instead of ${titles.length}`);
      continue;
    }
    const field = (name: Column) => {
      const text = fields[places.get(name) ?? -1];
      return NO_VALUE.test(text?.trim() ?? "") ? undefined : text;
    };
    const row = checkedRow(line, field, faults);
    if (row) rows.push({ ...row, values: valued?.of(record, faults) });
  }
  if (rows.length === 0 && faults.length === 0) throw dataError(path, "a row for each image", "none", "add rows");
  return { rows, faults, notices: [...notices, ...(valued?.notices(path) ?? [])] };
}

async function textOf(path: string, encoding: string | undefined, kind: TableKind): Promise<string> {
  const bytes = await bytesOf(path);
  if (kind !== "split" || encoding === undefined) return tableText(path, bytes, encoding);
  try {
    return tableText(path, bytes);
  } catch {
    return tableText(path, bytes, encoding);
  }
}

async function bytesOf(path: string): Promise<Buffer> {
  try {
    return await readRegular(path, TABLE_LIMITS.bytes);
  } catch (cause) {
    const parts = { where: path, expected: "a readable CSV file", got: messageOf(cause), todo: "check the path" };
    throw new MsmaeError("Data", parts, { cause });
  }
}

function checkedRow(
  line: number,
  field: (name: Column) => string | undefined,
  faults: string[],
): Omit<TableRow, "values"> | undefined {
  const path = field("path")?.trim();
  if (path === undefined) {
    faults.push(`line ${line}: no path`);
    return;
  }
  const splitName = field("split");
  const split = splitName === undefined ? undefined : splitNamed(splitName);
  if (splitName !== undefined && split === undefined) {
    faults.push(`line ${line}: split "${splitName}" is none of ${SPLITS.join(", ")}`);
  }
  const whole = (name: "slice" | "fold") => {
    const text = field(name)?.trim();
    // Spreadsheets and data frames turn columns with gaps into floating-point numbers.
    const digits = text === undefined ? undefined : /^(\d{1,9})(?:\.0*)?$/.exec(text)?.[1];
    if (text === undefined || digits !== undefined) return digits === undefined ? undefined : Number(digits);
    faults.push(`line ${line}: ${name} "${text}" is no whole number from 0`);
    return;
  };
  return {
    line,
    path,
    label: field("label"),
    split,
    patient: field("patient_id"),
    lesion: field("lesion_id"),
    slice: whole("slice"),
    mask: field("mask")?.trim(),
    fold: whole("fold"),
  };
}

/** Whether a row says that nothing is outlined in its image. */
export function outlinesNothing({ label, mask }: TableRow): boolean {
  return mask === undefined ? label === BACKGROUND : mask.toLowerCase() === NO_MASK;
}

/** Rows without a split, where others have one. */
export function splitFaults(rows: readonly TableRow[]): string[] {
  const without = rows.filter(({ split }) => split === undefined);
  if (without.length === rows.length) return [];
  return without.map(({ line }) => `line ${line}: no split, which other rows have`);
}

/** @throws MsmaeError Data when there are any. */
export function throwFaults(path: string, faults: readonly string[]): void {
  if (faults.length === 0) return;
  const expected =
    "one row for each image, or for each of its masks, whose files exist, with a label and at most one split";
  throw dataError(path, expected, faultList(faults), "correct these lines");
}
