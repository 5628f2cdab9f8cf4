import { dirname, resolve } from "node:path";
import { MsmaeError } from "../../errors.ts";
import { SPLITS } from "../sample.ts";
import { type CsvRow, readCsvTable, splitFaults, throwFaults } from "./csv.ts";
import { dataError, type ListedFile, type Listing } from "./listing.ts";

/**
 * Takes splits, folds, groups and slices of a listing from a CSV file, and leaves out what it does not list; then turns a
 * chosen fold into `val`. Paths are relative to the data set's root, or to the CSV file's folder.
 *
 * @throws MsmaeError Data when the file lists an image that the data set has not, or with another class; Config when a
 * fold is chosen that is not there.
 */
export async function applySplitFile(
  listing: Listing,
  { splitFile, fold }: { splitFile?: string; fold?: number },
): Promise<Listing> {
  return chooseFold(splitFile === undefined ? listing : await assigned(listing, splitFile), fold, splitFile);
}

async function assigned(listing: Listing, splitFile: string): Promise<Listing> {
  const { rows, faults } = await readCsvTable(splitFile);
  const { root } = listing;
  const byPath = new Map<string, ListedFile[]>();
  for (const file of listing.files) {
    const path = resolve(file.path);
    const held = byPath.get(path);
    if (held) held.push(file);
    else byPath.set(path, [file]);
  }
  const bases = [root, dirname(resolve(splitFile))];
  const ownerOf = (row: CsvRow): ListedFile | undefined => {
    for (const base of bases) {
      const held = byPath.get(resolve(base, row.path));
      if (held) return held.find(({ item }) => item === row.slice) ?? held[0];
    }
    return undefined;
  };
  const files: ListedFile[] = [];
  const seen = new Map<string, number>();
  for (const row of rows) {
    const owner = ownerOf(row);
    if (!owner) {
      faults.push(`line ${row.line}: no image ${row.path} in ${root}`);
      continue;
    }
    if (row.label !== undefined && owner.className !== undefined && row.label !== owner.className) {
      faults.push(`line ${row.line}: class ${row.label}, but ${owner.className} in the data set`);
    }
    const key = `${row.slice ?? ""} ${owner.path}`;
    const first = seen.get(key);
    if (first !== undefined) faults.push(`line ${row.line}: ${row.path} again, as in line ${first}`);
    seen.set(key, row.line);
    files.push(merged(owner, row));
  }
  faults.push(...splitFaults(rows));
  throwFaults(splitFile, faults);
  const named = new Set(files.map(({ split }) => split));
  const notices = [...listing.notices];
  const listed = new Set(files.map(({ path }) => path)).size;
  if (listed < byPath.size)
    notices.push(`${byPath.size - listed} images that ${splitFile} does not list were left out`);
  return { ...listing, files, onDisk: SPLITS.filter((split) => named.has(split)), notices };
}

function merged(owner: ListedFile, row: CsvRow): ListedFile {
  const { split: _split, fold: _fold, ...rest } = owner;
  const file: ListedFile = { ...rest };
  if (row.split !== undefined) file.split = row.split;
  if (row.fold !== undefined) file.fold = row.fold;
  if (row.slice !== undefined) file.item = row.slice;
  if (row.patient !== undefined) file.patient = row.patient;
  if (row.lesion !== undefined) file.lesion = row.lesion;
  return file;
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
