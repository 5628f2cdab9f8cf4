import { relative, sep } from "node:path";
import { BACKGROUND, NO_MASK, type Sample } from "../sample.ts";
import { SPLITS, type Split } from "../split-name.ts";
import { csvLine } from "../tables/csv.ts";
import type { ValueColumns } from "../tables/value-columns.ts";
import { UNLABELLED } from "../unlabelled.ts";

/** One sample and where it is. */
export interface SplitRow {
  sample: Sample;
  split: Split;
  fold?: number;
}

/** What a table needs to know of a data set. */
export interface TableSource {
  classNames: readonly string[];
  /** The name of the group's column, where samples have groups. */
  groupedBy?: "patient_id" | "lesion_id" | undefined;
  /** What the samples' values are, where they have some. */
  values?: ValueColumns;
}

type Column = [title: string, field: (row: SplitRow) => string];

/**
 * Samples as CSV: `path` (relative to `base`, with slashes), `label` (the class name) or a column for each value, `split`, and, where any sample has
 * them, `fold`, `slice`, the group and the first `mask`; `labelled` says whose labels are used where not all are.
 */
export function splitTable(
  { classNames, groupedBy, values }: TableSource,
  rows: readonly SplitRow[],
  base: string,
): string {
  const labels: Column = ["label", ({ sample }) => classNames[sample.label] ?? UNLABELLED];
  const columns: Column[] = [
    ["path", ({ sample }) => relativeName(base, sample.path)],
    ...(values?.names.map((name, k): Column => [name, ({ sample }) => valueField(sample.values?.[k])]) ?? [labels]),
    ["split", ({ split }) => split],
  ];
  if (rows.some(({ fold }) => fold !== undefined)) columns.push(["fold", ({ fold }) => `${fold ?? ""}`]);
  if (rows.some(({ sample }) => sample.item !== undefined)) {
    columns.push(["slice", ({ sample }) => `${sample.item ?? ""}`]);
  }
  if (groupedBy) columns.push([groupedBy, ({ sample }) => sample.group ?? ""]);
  if (rows.some(({ sample }) => firstMask(sample) !== undefined)) {
    columns.push(["mask", ({ sample }) => maskField(sample, base, classNames)]);
  }
  if (rows.some(({ sample }) => sample.unlabelled)) {
    columns.push(["labelled", ({ sample }) => (sample.unlabelled ? "no" : "yes")]);
  }
  const lines = [csvLine(columns.map(([name]) => name))];
  for (const row of rows) lines.push(csvLine(columns.map(([, field]) => field(row))));
  return lines.join("");
}

function valueField(value = Number.NaN): string {
  return Number.isNaN(value) ? "" : `${value}`;
}

function firstMask({ masks }: Sample): string | undefined {
  return masks?.[0]?.path;
}

function maskField(sample: Sample, base: string, classNames: readonly string[]): string {
  const path = firstMask(sample);
  if (path !== undefined) return relativeName(base, path);
  // The name of the background says it already.
  return sample.masks === undefined || classNames[sample.label] === BACKGROUND ? "" : NO_MASK;
}

/** Rows of all samples, split by split. */
export function rowsOf(splits: Readonly<Record<Split, readonly Sample[]>>): SplitRow[] {
  return SPLITS.flatMap((split) => splits[split].map((sample) => ({ sample, split })));
}

/** A sentence in which what lies in a folder is named from there, for what others may read. */
export function namedFrom(base: string, sentence: string): string {
  return sentence.replaceAll(base.endsWith(sep) ? base : base + sep, "");
}

/** A path told from a folder, with slashes on every system. */
export function relativeName(base: string, path: string): string {
  const inside = base.endsWith(sep) ? base : base + sep;
  // Nearly all paths lie inside; the general way takes a hundred times as long.
  const name = path.startsWith(inside) ? path.slice(inside.length) : relative(base, path);
  return sep === "/" ? name : name.replaceAll(sep, "/");
}
