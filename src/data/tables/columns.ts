import { MsmaeError } from "../../support/errors.ts";
import { splitNamed } from "../split-name.ts";
import type { ParsedTable } from "./parse.ts";
import { visible } from "./spelling.ts";

/** What a table of images may say, by the names that its columns have in the documentation. */
const COLUMNS = ["path", "label", "split", "patient_id", "lesion_id", "slice", "mask", "fold"] as const;
export type Column = (typeof COLUMNS)[number];

/** Names under which columns are known elsewhere, as {@link plainName} gives them. */
const NAMES: Readonly<Record<Column, readonly string[]>> = {
  path: ["path", "image", "file", "filename", "filepath", "imagepath", "imagefile", "imagefilename", "img", "imgpath"],
  label: ["label", "labels", "class", "classname", "category", "diagnosis", "dx", "target"],
  split: ["split", "set", "partition", "subset"],
  patient_id: ["patientid", "patient", "subjectid", "subject", "participantid"],
  lesion_id: ["lesionid", "lesion"],
  slice: ["slice", "frame"],
  mask: ["mask", "maskpath", "maskfile"],
  fold: ["fold"],
};
/** Names of images without their ending; many tables have them beside a path. */
const IMAGE_NAMES = ["imageid", "imagename", "isicid"];

/** Which column is which, by the user's word; "" for none. */
export type ColumnChoice = ReadonlyMap<Column, string>;

/**
 * Reads `path=image,label=diagnosis`: what the table says, and the column that says it; nothing behind the sign for no
 * column.
 *
 * @throws MsmaeError Config for anything else.
 */
export function parseColumns(text: string): ColumnChoice {
  const chosen = new Map<Column, string>();
  for (const part of text.split(",")) {
    const [, role = "", title = ""] = /^([^=]*)=(.*)$/.exec(part) ?? [];
    const column = COLUMNS.find((name) => NAMES[name].includes(plainName(role)));
    if (column === undefined || chosen.has(column)) {
      throw new MsmaeError("Config", {
        where: "columns",
        expected: `NAME=COLUMN, of ${COLUMNS.join(", ")} each once`,
        got: JSON.stringify(text),
        todo: "for example path=image,label=diagnosis",
      });
    }
    chosen.set(column, title.trim());
  }
  return chosen;
}

/** How columns are found. */
export interface ColumnRules {
  chosen?: ColumnChoice | undefined;
  needed: readonly Column[];
  /** A table with masks needs no label. */
  masksWithoutLabels?: boolean;
  /** Pass over chosen columns that this table has not. */
  lenient?: boolean;
}

/** Places of a table's columns in its records. */
export interface FoundColumns {
  places: ReadonlyMap<Column, number>;
  /** A sentence where they were not found by their own names. */
  notices: string[];
}

/**
 * Finds out which column of a table is which, by their usual names in any case, with or without spaces and underscores.
 * A column `fold` that holds names of splits is the split.
 *
 * @throws MsmaeError Data when a needed column is missing, or two may be meant; Config when a chosen one is not there.
 */
export function findColumns(where: string, table: ParsedTable, rules: ColumnRules): FoundColumns {
  const { chosen = new Map<Column, string>(), needed } = rules;
  const { titles } = table;
  const plain = titles.map(plainName);
  const taken = [...chosen].flatMap(([, title]) => (title === "" ? [] : matching(titles, plain, title)));
  const places = new Map<Column, number>();
  for (const column of COLUMNS) {
    const title = chosen.get(column);
    const named = title === undefined ? [] : matching(titles, plain, title);
    if (title === "") continue;
    if (title !== undefined && (named.length > 0 || !rules.lenient)) {
      places.set(column, onlyOne(where, column, titles, named, title));
      continue;
    }
    const free = (names: readonly string[]) =>
      [...plain.keys()].filter((at) => names.includes(plain[at] as string) && !taken.includes(at));
    let candidates = free(NAMES[column]);
    if (column === "path" && candidates.length === 0) candidates = free(IMAGE_NAMES);
    if (candidates.length === 0) continue;
    places.set(column, onlyOne(where, column, titles, candidates));
  }
  foldAsSplit(table, places, chosen);
  const spared = rules.masksWithoutLabels && places.has("mask") ? "label" : undefined;
  const missing = needed.filter((column) => !places.has(column) && column !== spared);
  if (missing.length > 0) throw missingColumns(where, titles, rules, { missing, masked: places.has("mask") });
  return { places, notices: choiceNotice(where, titles, places) };
}

function plainName(title: string): string {
  return visible(title)
    .toLowerCase()
    .replace(/[\s_.-]/g, "");
}

/** Places of the columns of a title, of those spelt just so where there are any. */
export function matchingTitles(titles: readonly string[], title: string): number[] {
  return matching(titles, titles.map(plainName), title);
}

function matching(titles: readonly string[], plain: readonly string[], title: string): number[] {
  const exact = [...titles.keys()].filter((at) => titles[at] === title);
  return exact.length > 0 ? exact : [...plain.keys()].filter((at) => plain[at] === plainName(title));
}

function onlyOne(
  where: string,
  column: Column,
  titles: readonly string[],
  places: readonly number[],
  chosen?: string,
): number {
  const [place] = places;
  if (place !== undefined && places.length === 1) return place;
  if (place === undefined) {
    const parts = { where: "columns", expected: `a column of ${where}`, got: `${column}=${chosen}` };
    throw new MsmaeError("Config", { ...parts, todo: `choose of ${shownTitles(titles)}` });
  }
  const names = places.map((at) => titles[at] as string);
  const same = new Set(names).size === 1;
  const got = same
    ? `${names[0]} ${names.length === 2 ? "twice" : `${names.length} times`}`
    : names.map(quoted).join(" and ");
  const todo = same ? "rename all but one" : `say which it is: --columns ${column}=${names[0]}`;
  throw new MsmaeError("Data", { where, expected: `one column for ${column}`, got, todo });
}

/** Some tables call fold what others call split. */
function foldAsSplit({ records }: ParsedTable, places: Map<Column, number>, chosen: ColumnChoice): void {
  const fold = places.get("fold");
  if (fold === undefined || places.has("split") || chosen.has("fold") || chosen.has("split")) return;
  const values = records.map(({ fields }) => fields[fold]?.trim() ?? "").filter((value) => value !== "");
  if (values.length === 0 || !values.every((value) => splitNamed(value) !== undefined)) return;
  places.delete("fold");
  places.set("split", fold);
}

function missingColumns(
  where: string,
  titles: readonly string[],
  { needed, masksWithoutLabels = false }: ColumnRules,
  { missing, masked }: { missing: readonly Column[]; masked: boolean },
): MsmaeError {
  const orMask = masksWithoutLabels && missing.includes("label");
  const asked = orMask ? [...missing, "mask" as const] : missing;
  const known = asked.map((column) => `${column} may be called ${NAMES[column].slice(1, 6).join(", ")}`);
  const onlyLabel = masked && missing.join() === "label";
  const named = missing.map((column) => `${column}=NAME`).join(",");
  return new MsmaeError("Data", {
    where,
    expected: `a header with ${needed.join(" and ")}${orMask ? ", or with path and mask" : ""} (${known.join("; ")})`,
    got: `columns ${shownTitles(titles)}`,
    todo:
      `rename the columns, or say which they are: --columns ${named}` +
      (onlyLabel ? "; msmae segment needs no labels, it takes the table for its masks" : ""),
  });
}

/** Titles as messages name them. */
export function shownTitles(titles: readonly string[]): string {
  return titles.filter(Boolean).map(quoted).join(", ") || "of no name";
}

function quoted(title: string): string {
  return JSON.stringify(title);
}

function choiceNotice(where: string, titles: readonly string[], places: ReadonlyMap<Column, number>): string[] {
  const renamed = [...places].filter(([column, at]) => titles[at]?.toLowerCase() !== column);
  if (renamed.length === 0) return [];
  return [
    `${where}: ${renamed.map(([column, at]) => `${column} is column ${quoted(titles[at] as string)}`).join(", ")}`,
  ];
}
