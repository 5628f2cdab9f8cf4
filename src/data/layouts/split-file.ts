import { dirname, resolve } from "node:path";
import { MsmaeError } from "../../support/errors.ts";
import { SPLITS } from "../split-name.ts";
import { isSameName, spellingKey } from "../tables/spelling.ts";
import { dataError, type ListedFile, type Listing, type TableOptions } from "./listing.ts";
import { groupByPicture, type PictureRow, saidOf } from "./picture-rows.ts";
import { settleRows } from "./row-names.ts";
import { outlinesNothing, readImageTable, splitFaults, type TableRow, throwFaults } from "./table.ts";
import { missingFault, withoutEnding } from "./table-paths.ts";

/** What a split file is and how it is read. */
export interface SplitFileOptions extends TableOptions {
  splitFile?: string;
  fold?: number;
  mergeLabels?: boolean;
}

/**
 * Takes splits, folds, groups and slices of a listing from a CSV file, and leaves out what it does not list; then turns a
 * chosen fold into `val`. Paths are relative to the data set's root, or to the CSV file's folder.
 *
 * @throws MsmaeError Data when the file lists an image that the data set has not, or with another class; Config when a
 * fold is chosen that is not there.
 */
export async function applySplitFile(listing: Listing, options: SplitFileOptions): Promise<Listing> {
  const { splitFile, fold } = options;
  return chooseFold(splitFile === undefined ? listing : await assigned(listing, splitFile, options), fold, splitFile);
}

async function assigned(listing: Listing, splitFile: string, options: SplitFileOptions): Promise<Listing> {
  const { mergeLabels = false } = options;
  const table = await readImageTable(splitFile, options, "split");
  const { rows, ...settled } = settleRows(table.rows, { merge: mergeLabels });
  const { faults } = table;
  const { root } = listing;
  const owners = new Owners(listing.files, [root, dirname(resolve(splitFile))]);
  const found: OwnedRow[] = [];
  const missing = new Map<string, number>();
  for (const row of rows) {
    const owner = owners.find(row);
    if (!owner) {
      if (!missing.has(row.path)) missing.set(row.path, row.line);
      continue;
    }
    // Labels have no part in a data set of values.
    const classed = owner.values === undefined && owner.className !== undefined;
    if (classed && !classesOf(owner, row).some((name) => isSame(row.label, name, mergeLabels))) {
      faults.push(`line ${row.line}: class ${row.label}, but ${owner.className} in the data set`);
    }
    found.push({
      row,
      owner,
      picture: `${row.slice ?? ""} ${owner.path}`,
      mask: outlinesNothing(row) ? undefined : row.mask,
    });
  }
  const files = groupByPicture(found, { oneClass: false }, faults).map(merged);
  if (missing.size > 0) {
    const named = new Set(rows.map(({ path }) => path)).size;
    faults.unshift(missingFault(missing, `${named} images are not in the data set ${root}`));
  }
  faults.push(...splitFaults(rows));
  throwFaults(splitFile, faults);
  settled.throwFaults(splitFile);
  const named = new Set(files.map(({ split }) => split));
  const notices = [...listing.notices, ...table.notices, ...settled.notices];
  const listed = new Set(files.map(({ path }) => path)).size;
  if (listed < owners.count) {
    notices.push(`${owners.count - listed} images that ${splitFile} does not list were left out`);
  }
  return { ...listing, files, onDisk: SPLITS.filter((split) => named.has(split)), notices };
}

/** A row of a split file, and the file of the data set that it is about. */
interface OwnedRow extends PictureRow {
  owner: ListedFile;
}

/** The classes that a row may bear: its image's, and those of its masks where it names one. */
function classesOf({ className, masks = [] }: ListedFile, { mask }: TableRow): (string | undefined)[] {
  return mask === undefined ? [className] : [className, ...masks.map((own) => own.className)];
}

function isSame(a: string | undefined, b: string | undefined, merge: boolean): boolean {
  if (a === undefined || b === undefined) return a === undefined;
  return isSameName(a, b) || (merge && spellingKey(a) === spellingKey(b));
}

/** The files of a data set, by the ways a table may name them. */
class Owners {
  readonly #bases: readonly string[];
  readonly #byPath: ReadonlyMap<string, ListedFile[]>;
  #byName: ReadonlyMap<string, ListedFile[]> | undefined;

  constructor(files: readonly ListedFile[], bases: readonly string[]) {
    this.#bases = bases;
    this.#byPath = Map.groupBy(files, ({ path }) => resolve(path));
  }

  /** Files, each counted once. */
  get count(): number {
    return this.#byPath.size;
  }

  /** The file of a row, told from the first base that has it; without its ending where one file fits. */
  find({ path, slice }: TableRow): ListedFile | undefined {
    const names = path.includes("\\") ? [path, path.replaceAll("\\", "/")] : [path];
    const ways = this.#bases.flatMap((base) => names.map((name) => resolve(base, name)));
    for (const way of ways) {
      const held = this.#byPath.get(way) ?? this.#onlyFile(way);
      if (held) return held.find(({ item }) => item === slice) ?? held[0];
    }
    return;
  }

  #onlyFile(name: string): ListedFile[] | undefined {
    this.#byName ??= groupByNames([...this.#byPath.values()].flat());
    const fitting = this.#byName.get(name.normalize("NFC")) ?? [];
    return new Set(fitting.map(({ path }) => path)).size === 1 ? [...fitting] : undefined;
  }
}

/** Files by their paths in one Unicode form, with and without their ending. */
function groupByNames(files: readonly ListedFile[]): Map<string, ListedFile[]> {
  const named = files.flatMap((file) => {
    const path = resolve(file.path).normalize("NFC");
    return [...new Set([path, withoutEnding(path)])].map((name) => ({ name, file }));
  });
  const groups = Map.groupBy(named, ({ name }) => name);
  return new Map([...groups].map(([name, group]) => [name, group.map(({ file }) => file)]));
}

function merged(rows: readonly OwnedRow[]): ListedFile {
  const [{ owner }] = rows as [OwnedRow];
  const { split: _split, fold: _fold, ...rest } = owner;
  return { ...rest, ...saidOf(rows.map(({ row }) => row)) };
}

function chooseFold(listing: Listing, fold: number | undefined, splitFile: string | undefined): Listing {
  const folds = new Set(listing.files.flatMap((file) => (file.fold === undefined ? [] : [file.fold])));
  if (fold === undefined) {
    if (folds.size === 0) return listing;
    const notice = `the table's ${folds.size} folds are not used: choose one with --fold`;
    return { ...listing, notices: [...listing.notices, notice] };
  }
  if (folds.size === 0) {
    const where = splitFile ?? listing.root;
    throw dataError(where, "a column fold, for --fold", "none", "make one with data split --folds K");
  }
  if (!folds.has(fold)) {
    const got = `${fold}`;
    const expected = `one of the folds ${[...folds].sort((a, b) => a - b).join(", ")}`;
    throw new MsmaeError("Config", { where: "fold", expected, got, todo: "choose a fold of the split file" });
  }
  const files = listing.files.map((file) =>
    file.fold === undefined ? file : { ...file, split: file.fold === fold ? ("val" as const) : ("train" as const) },
  );
  const named = new Set(files.map(({ split }) => split));
  return { ...listing, files, onDisk: SPLITS.filter((split) => named.has(split)) };
}
