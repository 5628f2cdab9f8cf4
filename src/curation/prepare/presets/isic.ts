import type { Split } from "../../../data/dataset.ts";
import { matchRows, missingNote, type RowImage } from "../matching.ts";
import { badCell, cell, type Table } from "../table.ts";
import type { LeftOut, Preset } from "../types.ts";

const IMAGE_COLUMNS = ["image", "image_id", "image_name", "isic_id", "filename", "file", "path"];
/** The first that a table has is its label. */
const LABEL_COLUMNS = ["label", "class", "benign_malignant", "diagnosis", "dx", "target"];
const GROUP_COLUMNS = ["lesion_id", "patient_id"];
/** Columns of a truth table that are neither image nor class. */
const EXTRA_COLUMNS = new Set([...GROUP_COLUMNS, "score_weight", "validation_weight", "split"]);
const SPLITS_BY_NAME: readonly [RegExp, Split][] = [
  [/valid/i, "val"],
  [/test/i, "test"],
  [/train/i, "train"],
];

/** Folders or archives of images with a table of their classes, as the ISIC challenges publish them. */
export const isic: Preset = {
  name: "isic",
  title: "Images with a ground-truth table, as in the ISIC challenges",
  licence: "that of the archives given (ISIC 2018 and 2019: CC BY-NC 4.0, other images may differ)",
  source: "https://challenge.isic-archive.com/data/",
  citation: "cite the publications that the archives' source names",
  expects: [
    "folders or archives of images",
    "a ground-truth table: an image column and one 0/1 column for each class, or image,label",
    "a table of groups with lesion_id or patient_id (optional, keeps each in one split)",
  ],
  caveats: [],
  isTable: (file) => /\.(csv|tsv)$/i.test(file),
  recognises: (names) => names.some((name) => /groundtruth[^/]*\.csv$/i.test(name)),
  plan(survey) {
    const truths = survey.tables.flatMap((table) => readTruth(table) ?? []);
    if (truths.length === 0) {
      throw survey.wrongArchives(
        "a ground-truth table with an image column and 0/1 columns of classes, or image,label",
      );
    }
    const groups = readGroups(survey.tables);
    const rows = new Map<string, RowImage>();
    const leftOut: LeftOut[] = [];
    const faulty = new Set<string>();
    for (const { table, labels, faults } of truths) {
      // One table alone is the whole set; of several, the names say which split each is.
      const split = truths.length > 1 ? SPLITS_BY_NAME.find(([pattern]) => pattern.test(table.name))?.[1] : undefined;
      for (const [id, label] of labels) {
        const other = rows.get(id);
        if (other && other.label !== label) throw conflict(table, id, other.label, label);
        if (!other) rows.set(id, { label, split, ...groups.get(id) });
      }
      for (const fault of faults) faulty.add(fault.name);
      leftOut.push(...faults);
    }
    const matched = matchRows(survey, rows, ({ stem }) => (faulty.has(stem) ? undefined : stem));
    if (matched.images.length === 0) throw survey.wrongArchives("images that the ground-truth table lists");
    const notes = missingNote(matched.missing, rows.size);
    if (groups.size === 0) notes.push("no lesion or patient is named, so images of one may fall into different splits");
    const { images } = matched;
    return { layout: "folders", images, leftOut: [...leftOut, ...matched.leftOut], notes, sameId: "ambiguous" };
  },
};

interface Truth {
  table: Table;
  labels: Map<string, string>;
  faults: LeftOut[];
}

function idOf(value: string): string {
  const file = value.slice(value.lastIndexOf("/") + 1).toLowerCase();
  return file.replace(/\.(jpe?g|png|bmp|tiff?|webp)$/, "");
}

/** Undefined for tables that hold no classes (metadata, groups). */
function readTruth(table: Table): Truth | undefined {
  const image = IMAGE_COLUMNS.find((column) => table.columns.includes(column));
  if (image === undefined) return undefined;
  const label = LABEL_COLUMNS.find((column) => table.columns.includes(column));
  const labels = new Map<string, string>();
  const faults: LeftOut[] = [];
  const classes = label === undefined ? oneHotColumns(table, image) : [];
  if (label === undefined && classes.length === 0) return undefined;
  const titleOf = (column: string) => table.titles[table.columns.indexOf(column)] ?? column;
  for (const [at, row] of table.rows.entries()) {
    const id = idOf(cell(row, image));
    if (id === "") throw badCell(table, at, image, "an image");
    const own =
      label === undefined
        ? classes.filter((column) => Number(cell(row, column)) === 1).map(titleOf)
        : [cell(row, label)];
    const rest = restClass(classes);
    const [first = rest ?? ""] = own;
    if (own.length > 1) faults.push({ name: id, reason: "more than one class" });
    else if (first === "") faults.push({ name: id, reason: "no class" });
    else if (/[/\\\p{Cc}]|^\.+$/u.test(first)) throw badCell(table, at, label ?? image, "a class name without slashes");
    else labels.set(id, first);
  }
  return { table, labels, faults };
}

function oneHotColumns(table: Table, image: string): string[] {
  const columns = table.columns.filter((column) => column !== image && !EXTRA_COLUMNS.has(column));
  const binary = (column: string) => table.rows.every((row) => /^[01](\.0*)?$/.test(cell(row, column)));
  return columns.length > 1 && columns.every(binary) ? columns : [];
}

/** In 2017 the third class, nevus, was given no column of its own. */
function restClass(classes: readonly string[]): string | undefined {
  return classes.length === 2 && classes.includes("melanoma") && classes.includes("seborrheic_keratosis")
    ? "nevus"
    : undefined;
}

function readGroups(tables: readonly Table[]): Map<string, { lesion?: string; patient?: string }> {
  const groups = new Map<string, { lesion?: string; patient?: string }>();
  for (const table of tables) {
    const image = IMAGE_COLUMNS.find((column) => table.columns.includes(column));
    if (image === undefined || !GROUP_COLUMNS.some((column) => table.columns.includes(column))) continue;
    for (const row of table.rows) {
      const id = idOf(cell(row, image));
      const lesion = cell(row, "lesion_id") || undefined;
      const patient = cell(row, "patient_id") || undefined;
      if (lesion !== undefined || patient !== undefined) groups.set(id, { lesion, patient, ...groups.get(id) });
    }
  }
  return groups;
}

function conflict(table: Table, id: string, first: string, second: string): Error {
  const at = table.rows.findIndex((row) => Object.values(row).some((value) => idOf(value) === id));
  return badCell(table, at, table.columns[0] ?? "image", `one class for ${id}, not ${first} and ${second}`);
}
