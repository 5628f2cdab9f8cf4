import type { ListedFile } from "./listing.ts";
import type { TableRow } from "./table.ts";

/** A row of a table, and what it is about. */
export interface PictureRow {
  row: TableRow;
  /** The same for all rows of one picture. */
  picture: string;
  /** The mask file that the row gives, if any: several rows of a picture give several masks. */
  mask: string | undefined;
}

/** What rows of one picture may not say in two ways, and how it is called in messages. */
const KINDS = { label: "class", split: "split", fold: "fold", patient: "patient" } as const;
type Kind = keyof typeof KINDS;

/**
 * Brings the rows of each picture together, in the order of their first ones.
 *
 * @param oneClass whether all of a picture's rows must have one class.
 * @param faults gets a sentence for each row that repeats or contradicts an earlier one.
 */
export function groupByPicture<R extends PictureRow>(
  rows: readonly R[],
  { oneClass }: { oneClass: boolean },
  faults: string[],
): R[][] {
  const pictures = [...Map.groupBy(rows, ({ picture }) => picture).values()];
  const kinds = (Object.keys(KINDS) as Kind[]).filter((kind) => kind !== "label" || oneClass);
  for (const own of pictures) if (own.length > 1) faults.push(...faultsOf(own, kinds));
  return pictures;
}

function faultsOf(own: readonly PictureRow[], kinds: readonly Kind[]): string[] {
  const faults: string[] = [];
  const masks = new Map<string, TableRow>();
  const said = new Map<Kind, TableRow>();
  const [{ row: first, mask: firstMask }] = own as [PictureRow];
  for (const { row, mask } of own) {
    const same = firstMask === undefined || mask === undefined ? first : masks.get(mask);
    if (mask !== undefined && !masks.has(mask)) masks.set(mask, row);
    if (same !== undefined && same !== row) {
      faults.push(`line ${row.line}: ${row.path} again, as in line ${same.line}`);
      continue;
    }
    if (`${row.values}` !== `${first.values}`) {
      faults.push(`line ${row.line}: ${row.path} has values ${row.values}, but ${first.values} in line ${first.line}`);
    }
    for (const kind of kinds) {
      const other = said.get(kind);
      if (other && row[kind] !== undefined && row[kind] !== other[kind]) faults.push(contradiction(row, other, kind));
      if (!other && row[kind] !== undefined) said.set(kind, row);
    }
  }
  return faults;
}

function contradiction(row: TableRow, other: TableRow, kind: Kind): string {
  const hint = kind === "label" ? ": only segmentation takes masks of several classes in one image" : "";
  return `line ${row.line}: ${row.path} has ${KINDS[kind]} ${row[kind]}, but ${other[kind]} in line ${other.line}${hint}`;
}

/** What the rows of a picture say of it together, beside class and masks; absent what none says. */
export function saidOf(rows: readonly TableRow[]): Omit<ListedFile, "path" | "className" | "masks"> {
  const first = <K extends "split" | "fold" | "slice" | "patient">(name: K) =>
    rows.find((row) => row[name] !== undefined)?.[name];
  const [split, fold, item, patient] = [first("split"), first("fold"), first("slice"), first("patient")];
  const lesions = new Set(rows.flatMap(({ lesion }) => lesion ?? []));
  return {
    ...(split !== undefined && { split }),
    ...(fold !== undefined && { fold }),
    ...(item !== undefined && { item }),
    ...(patient !== undefined && { patient }),
    ...(lesions.size > 0 && { lesions: [...lesions] }),
  };
}
