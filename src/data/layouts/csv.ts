import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { CsvError } from "csv-parse";
import { parse } from "csv-parse/sync";
import { MsmaeError, messageOf } from "../../errors.ts";
import { SPLIT_NAMES, SPLITS, type Split } from "../sample.ts";
import { byCodeUnits } from "./folders.ts";
import { dataError, faultList, type LayoutContext, type ListedFile, type Listing } from "./listing.ts";

const COLUMNS = ["path", "label", "split", "patient_id", "lesion_id", "slice", "mask", "fold"] as const;
type Column = (typeof COLUMNS)[number];

/** One row of a data set's table, checked by itself; empty fields are absent. */
export interface CsvRow {
  /** Line of the file, from 1. */
  line: number;
  /** As written, with slashes. */
  path: string;
  label: string | undefined;
  split: Split | undefined;
  patient: string | undefined;
  lesion: string | undefined;
  slice: number | undefined;
  mask: string | undefined;
  fold: number | undefined;
}

/** A data set's table, and what is wrong with its rows. */
export interface CsvTable {
  rows: CsvRow[];
  columns: ReadonlySet<Column>;
  faults: string[];
}

/**
 * The samples that a CSV file lists: columns `path` (relative to the file's folder) and `label`; `split`, `patient_id`,
 * `lesion_id`, `slice`, `mask` and `fold` may be absent, other columns are passed over.
 *
 * @throws MsmaeError Data that names every faulty row by its line, up to a bound.
 */
export async function listCsv(path: string, { index }: LayoutContext): Promise<Listing> {
  const { rows, faults } = await readCsvTable(path);
  const root = dirname(resolve(path));
  const files = rows.map((row) => listed(row, root));
  const unlabelled: number[] = [];
  for (const [at, row] of rows.entries()) {
    const file = files[at] as ListedFile;
    if (!index.has(file.path)) faults.push(`line ${row.line}: no file ${row.path}`);
    if (file.mask !== undefined && !index.has(file.mask)) faults.push(`line ${row.line}: no mask file ${row.mask}`);
    if (row.label === undefined) unlabelled.push(row.line);
  }
  if (unlabelled.length === rows.length && rows.length > 0) faults.push("no row has a label");
  else faults.push(...unlabelled.map((line) => `line ${line}: no label, which other rows have`));
  faults.push(...splitFaults(rows), ...duplicates(rows, files));
  throwFaults(path, faults);
  const named = new Set(rows.map(({ split }) => split));
  const classNames = [...new Set(files.map(({ className }) => className as string))].sort(byCodeUnits);
  return {
    layout: "csv",
    root,
    classNames,
    files,
    onDisk: SPLITS.filter((split) => named.has(split)),
    ignoredFiles: 0,
    notices: [],
  };
}

function listed(row: CsvRow, root: string): ListedFile {
  const file: ListedFile = { path: resolve(root, row.path) };
  if (row.label !== undefined) file.className = row.label;
  if (row.split !== undefined) file.split = row.split;
  if (row.fold !== undefined) file.fold = row.fold;
  if (row.slice !== undefined) file.item = row.slice;
  if (row.patient !== undefined) file.patient = row.patient;
  if (row.lesion !== undefined) file.lesion = row.lesion;
  if (row.mask !== undefined) file.mask = resolve(root, row.mask);
  return file;
}

/** Rows without a split, where others have one. */
export function splitFaults(rows: readonly CsvRow[]): string[] {
  const without = rows.filter(({ split }) => split === undefined);
  if (without.length === rows.length) return [];
  return without.map(({ line }) => `line ${line}: no split, which other rows have`);
}

function duplicates(rows: readonly CsvRow[], files: readonly ListedFile[]): string[] {
  const faults: string[] = [];
  const seen = new Map<string, number>();
  const whole = new Map<string, number>();
  const sliced = new Map<string, number>();
  for (const [at, { line, path, slice }] of rows.entries()) {
    const file = (files[at] as ListedFile).path;
    const key = `${slice ?? ""} ${file}`;
    const first = seen.get(key);
    if (first !== undefined) faults.push(`line ${line}: ${path} again, as in line ${first}`);
    else seen.set(key, line);
    (slice === undefined ? whole : sliced).set(file, line);
  }
  for (const [file, line] of sliced) {
    const other = whole.get(file);
    if (other !== undefined) faults.push(`line ${line}: a slice of a file that line ${other} takes whole`);
  }
  return faults;
}

/** @throws MsmaeError Data when there are any. */
export function throwFaults(path: string, faults: readonly string[]): void {
  if (faults.length === 0) return;
  const expected = "one row for each image, whose file exists, with a label and at most one split";
  throw dataError(path, expected, faultList(faults), "correct these lines");
}

/**
 * Reads a table of images. The separator (comma, semicolon or tab) is found by the header; quotes, byte order marks and
 * UTF-16 are understood. Rows that cannot be used are named in `faults`.
 *
 * @throws MsmaeError Data when there is no such file, it is no CSV, or the column `path` or `label` is missing.
 */
export async function readCsvTable(path: string): Promise<CsvTable> {
  const text = decode(await bytesOf(path));
  const header = text.slice(0, text.search(/[\r\n]|$/));
  const delimiter = [",", ";", "\t"].reduce((a, b) => (header.split(b).length > header.split(a).length ? b : a));
  const records = parseRecords(path, text, delimiter);
  const names = (records[0]?.record ?? []).map((name) => name.trim().toLowerCase());
  const missing = ["path", "label"].filter((name) => !names.includes(name));
  const twice = COLUMNS.filter((name) => names.indexOf(name) !== names.lastIndexOf(name));
  if (missing.length + twice.length > 0) {
    const got = [
      `columns ${names.filter(Boolean).join(", ") || "of no name"}`,
      ...twice.map((name) => `${name} twice`),
    ];
    const expected = `a header with path and label once each (and at choice ${COLUMNS.slice(2).join(", ")})`;
    throw dataError(path, expected, got.join(", "), "rename or add the columns");
  }
  const columns = new Set(COLUMNS.filter((name) => names.includes(name)));
  const places = Object.fromEntries(COLUMNS.map((name) => [name, names.indexOf(name)])) as Record<Column, number>;
  const faults: string[] = [];
  const rows: CsvRow[] = [];
  for (const { record, line } of records.slice(1)) {
    if (record.length !== names.length) {
      faults.push(`line ${line}: ${record.length} fields instead of ${names.length}`);
      continue;
    }
    const field = (name: Column) => record[places[name]]?.trim() || undefined;
    const row = checkedRow(line, field, faults);
    if (row) rows.push(row);
  }
  if (rows.length === 0 && faults.length === 0) throw dataError(path, "a row for each image", "none", "add rows");
  return { rows, columns, faults };
}

function checkedRow(line: number, field: (name: Column) => string | undefined, faults: string[]): CsvRow | undefined {
  const path = field("path");
  if (path === undefined) {
    faults.push(`line ${line}: no path`);
    return;
  }
  const splitName = field("split");
  const split = splitName === undefined ? undefined : SPLIT_NAMES[splitName.toLowerCase()];
  if (splitName !== undefined && split === undefined) {
    faults.push(`line ${line}: split "${splitName}" is none of ${SPLITS.join(", ")}`);
  }
  const whole = (name: "slice" | "fold") => {
    const text = field(name);
    if (text === undefined || /^\d{1,9}$/.test(text)) return text === undefined ? undefined : Number(text);
    faults.push(`line ${line}: ${name} "${text}" is no whole number from 0`);
    return;
  };
  const mask = field("mask");
  return {
    line,
    path: slashes(path),
    label: field("label"),
    split,
    patient: field("patient_id"),
    lesion: field("lesion_id"),
    slice: whole("slice"),
    mask: mask === undefined ? undefined : slashes(mask),
    fold: whole("fold"),
  };
}

// Tables written on Windows; a name that really holds a backslash has no slash beside it either, but nobody has such.
function slashes(path: string): string {
  return path.includes("/") ? path : path.replaceAll("\\", "/");
}

async function bytesOf(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    const parts = { where: path, expected: "a readable CSV file", got: messageOf(cause), todo: "check the path" };
    throw new MsmaeError("Data", parts, { cause });
  }
}

// Spreadsheets save "Unicode text" as UTF-16 with a byte order mark.
function decode(bytes: Buffer): string {
  const wide = bytes[0] === 0xff && bytes[1] === 0xfe;
  return new TextDecoder(wide ? "utf-16le" : "utf-8").decode(bytes);
}

function parseRecords(path: string, text: string, delimiter: string): { record: string[]; line: number }[] {
  const records: { record: string[]; line: number }[] = [];
  try {
    parse(text, {
      delimiter,
      bom: true,
      relax_column_count: true,
      skip_empty_lines: true,
      skip_records_with_empty_values: true,
      on_record: (record: string[], { lines }) => {
        records.push({ record, line: lines });
        return null;
      },
    });
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    const todo = "correct the quotes there";
    throw new MsmaeError("Data", { where: path, expected: "a CSV file", got: cause.message, todo }, { cause });
  }
  return records;
}
