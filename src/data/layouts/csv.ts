import { dirname, resolve } from "node:path";
import { pairStem } from "../../formats/nifti/pair.ts";
import { BACKGROUND, NO_MASK } from "../sample.ts";
import { SPLITS } from "../split-name.ts";
import { dropEmptyMasks } from "./empty-masks.ts";
import { type LayoutContext, type ListedFile, type Listing, outlinedClasses } from "./listing.ts";
import { settleRows } from "./row-names.ts";
import { readImageTable, splitFaults, type TableRow, throwFaults } from "./table.ts";
import { missingFault, TablePaths } from "./table-paths.ts";

/**
 * The samples that a CSV file lists: columns `path` (relative to the file's folder) and `label`; `split`, `patient_id`,
 * `lesion_id`, `slice`, `mask` and `fold` may be absent, other columns are passed over.
 *
 * Of a row without a mask nobody knows what is to be outlined, unless its class is the background or its mask `none`: then
 * nothing is. Nor is anything in a class whose masks are all empty.
 *
 * @throws MsmaeError Data that names every faulty row by its line, up to a bound.
 */
export async function listCsv(path: string, { index, tables, mergeLabels }: LayoutContext): Promise<Listing> {
  const { rows: written, faults, notices } = await readImageTable(path, tables, "data");
  const root = dirname(resolve(path));
  const { rows, ...settled } = settleRows(written, { merge: mergeLabels });
  const paths = new TablePaths(root, (file) => index.has(file));
  const files = await listedFiles(rows, paths, root, faults);
  const unlabelled = rows.filter(({ label }) => label === undefined);
  if (unlabelled.length === rows.length && rows.length > 0) faults.push("no row has a label");
  else faults.push(...unlabelled.map(({ line }) => `line ${line}: no label, which other rows have`));
  faults.push(...splitFaults(rows), ...duplicates(rows, files));
  throwFaults(path, faults);
  settled.throwFaults(path);
  const named = new Set(rows.map(({ split }) => split));
  const classNames = [...new Set(files.map(({ className }) => className as string))].sort();
  const emptied = await dropEmptyMasks(files, index);
  const maskClasses = outlinedClasses(files);
  return {
    layout: "csv",
    root,
    classNames,
    ...(maskClasses && { maskClasses }),
    files,
    onDisk: SPLITS.filter((split) => named.has(split)),
    ignoredFiles: 0,
    notices: [...notices, ...settled.notices, ...emptied],
  };
}

async function listedFiles(
  rows: readonly TableRow[],
  paths: TablePaths,
  root: string,
  faults: string[],
): Promise<ListedFile[]> {
  const missing = new Map<string, number>();
  const locate = async (name: string, line: number): Promise<string> => {
    const found = await paths.find(name);
    if (found === undefined && !missing.has(name)) missing.set(name, line);
    if (found && "several" in found) faults.push(`line ${line}: ${name} may be ${found.several.join(" or ")}`);
    return found && "path" in found ? found.path : resolve(root, name);
  };
  const files: ListedFile[] = [];
  for (const row of rows) {
    const file: ListedFile = { path: await locate(row.path, row.line) };
    if (row.label !== undefined) file.className = row.label;
    if (row.split !== undefined) file.split = row.split;
    if (row.fold !== undefined) file.fold = row.fold;
    if (row.slice !== undefined) file.item = row.slice;
    if (row.patient !== undefined) file.patient = row.patient;
    if (row.lesion !== undefined) file.lesion = row.lesion;
    if (isNothing(row)) file.masks = [];
    else if (row.mask !== undefined) {
      file.masks = [
        { path: await locate(row.mask, row.line), ...(row.label !== undefined && { className: row.label }) },
      ];
    }
    files.push(file);
  }
  if (missing.size > 0) {
    const named = new Set(
      rows.flatMap((row) => (row.mask === undefined || isNothing(row) ? [row.path] : [row.path, row.mask])),
    );
    faults.unshift(missingFault(missing, `${named.size} files are not there, looked for from ${root}`));
  }
  return files;
}

/** Whether a row says that nothing is outlined in its image. */
function isNothing({ label, mask }: TableRow): boolean {
  return mask === undefined ? label === BACKGROUND : mask.toLowerCase() === NO_MASK;
}

function duplicates(rows: readonly TableRow[], files: readonly ListedFile[]): string[] {
  const faults: string[] = [];
  const seen = new Map<string, number>();
  const whole = new Map<string, number>();
  const sliced = new Map<string, number>();
  for (const [at, { line, path, slice }] of rows.entries()) {
    // Either half of a pair is the same image.
    const file = pairStem((files[at] as ListedFile).path);
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
