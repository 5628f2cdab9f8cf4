import { dirname, resolve } from "node:path";
import { pairStem } from "../../formats/nifti/pair.ts";
import { BACKGROUND, NO_MASK, UNCLASSED, UNNAMED } from "../sample.ts";
import { SPLITS } from "../split-name.ts";
import { UNLABELLED } from "../unlabelled.ts";
import { dropEmptyMasks } from "./empty-masks.ts";
import { type LayoutContext, type ListedFile, type Listing, outlinedClasses } from "./listing.ts";
import { severalValues } from "./mask-labels.ts";
import { putLargestFirst } from "./mask-sizes.ts";
import { groupByPicture, type PictureRow, saidOf } from "./picture-rows.ts";
import { settleRows } from "./row-names.ts";
import { outlinesNothing, readImageTable, splitFaults, type TableRow, throwFaults } from "./table.ts";
import { missingFault, TablePaths } from "./table-paths.ts";

/**
 * The samples that a CSV file lists: columns `path` (relative to the file's folder) and `label`; `split`, `patient_id`,
 * `lesion_id`, `slice`, `mask` and `fold` may be absent, other columns are passed over. Rows of one picture that name
 * different masks give it all of them.
 *
 * Of a row without a mask nobody knows what is to be outlined, unless its class is the background or its mask `none`: then
 * nothing is. Nor is anything in a class whose masks are all empty.
 *
 * Where values are asked for, they take the place of the class, and labels are passed over.
 *
 * Where pictures need no classes, a table without labels will do that has masks: they outline a {@link UNNAMED}. The masks
 * of a picture may then be of several classes too; the largest decides the picture's.
 *
 * @throws MsmaeError Data that names every faulty row by its line, up to a bound.
 */
export async function listCsv(path: string, context: LayoutContext): Promise<Listing> {
  const { index, tables, mergeLabels, needsClasses } = context;
  const { rows: written, faults, notices } = await readImageTable(path, tables, needsClasses ? "data" : "masks");
  const root = dirname(resolve(path));
  const { rows: settledRows, ...settled } = settleRows(written, { merge: mergeLabels });
  const rows = needsClasses ? settledRows : namedByMasks(settledRows);
  const paths = new TablePaths(root, (file) => index.has(file));
  const located = await locatedRows(rows, paths, root, faults);
  const valued = tables.values !== undefined;
  faults.push(...(valued ? [] : labelFaults(rows, written, context)), ...splitFaults(rows));
  const files = groupByPicture(located, { oneClass: needsClasses && !valued }, faults).map(fileOf);
  faults.push(...slicesOfWholes(located));
  throwFaults(path, faults);
  settled.throwFaults(path);
  await putLargestFirst(files, index);
  const named = new Set(rows.map(({ split }) => split));
  const classNames = valued ? [UNCLASSED] : [...new Set(files.map(({ className }) => className as string))].sort();
  const emptied = await dropEmptyMasks(files, index);
  const doubtful = needsClasses ? [] : await severalValues(files, { index, root });
  const maskClasses = outlinedClasses(files);
  return {
    layout: "csv",
    root,
    classNames,
    ...(maskClasses && { maskClasses }),
    files,
    onDisk: SPLITS.filter((split) => named.has(split)),
    ignoredFiles: 0,
    notices: [...notices, ...settled.notices, ...emptied, ...doubtful],
  };
}

/** Rows without a label, named by their mask: the background where it is `none`, and in a table without labels. */
function namedByMasks(rows: readonly TableRow[]): TableRow[] {
  const labels = rows.some(({ label }) => label !== undefined);
  return rows.map((row) => {
    if (row.label !== undefined || row.mask === undefined) return row;
    if (outlinesNothing(row)) return { ...row, label: BACKGROUND };
    return labels ? row : { ...row, label: UNNAMED };
  });
}

function labelFaults(
  rows: readonly TableRow[],
  written: readonly TableRow[],
  { needsClasses }: LayoutContext,
): string[] {
  const without = rows.filter(({ label }) => label === undefined);
  if (without.length === rows.length && rows.length > 0)
    return [`no row has a label${needsClasses ? "" : " or a mask"}`];
  const labels = needsClasses || written.some(({ label }) => label !== undefined);
  const lacking = labels
    ? `no label, which other rows have (write ${UNLABELLED} where nobody knows it)`
    : `no mask, which other rows have (write ${NO_MASK} where there is nothing to outline)`;
  return without.map(({ line }) => `line ${line}: ${lacking}`);
}

/** A row of the table, and its files. */
interface LocatedRow extends PictureRow {
  path: string;
}

async function locatedRows(
  rows: readonly TableRow[],
  paths: TablePaths,
  root: string,
  faults: string[],
): Promise<LocatedRow[]> {
  const missing = new Map<string, number>();
  const locate = async (name: string, line: number): Promise<string> => {
    const found = await paths.find(name);
    if (found === undefined && !missing.has(name)) missing.set(name, line);
    if (found && "several" in found) faults.push(`line ${line}: ${name} may be ${found.several.join(" or ")}`);
    return found && "path" in found ? found.path : resolve(root, name);
  };
  const located: LocatedRow[] = [];
  for (const row of rows) {
    const path = await locate(row.path, row.line);
    const mask = row.mask === undefined || outlinesNothing(row) ? undefined : await locate(row.mask, row.line);
    // Either half of a pair is the same image.
    located.push({ row, path, picture: `${row.slice ?? ""} ${pairStem(path)}`, mask });
  }
  if (missing.size > 0) {
    const named = new Set(
      rows.flatMap((row) => (row.mask === undefined || outlinesNothing(row) ? [row.path] : [row.path, row.mask])),
    );
    faults.unshift(missingFault(missing, `${named.size} files are not there, looked for from ${root}`));
  }
  return located;
}

/** The file of a picture's rows. */
function fileOf(located: readonly LocatedRow[]): ListedFile {
  const [{ row, path }] = located as [LocatedRow];
  const { values } = row;
  const className = values ? UNCLASSED : row.label;
  const masks = located.flatMap(({ mask, row: { label } }) =>
    mask === undefined ? [] : [{ path: mask, ...(label !== undefined && { className: label }) }],
  );
  return {
    path,
    ...(className !== undefined && { className }),
    ...(values && { values }),
    ...saidOf(located.map((own) => own.row)),
    ...((masks.length > 0 || outlinesNothing(row)) && { masks }),
  };
}

function slicesOfWholes(located: readonly LocatedRow[]): string[] {
  const whole = new Map<string, number>();
  const sliced = new Map<string, number>();
  for (const { row, path } of located) (row.slice === undefined ? whole : sliced).set(pairStem(path), row.line);
  return [...sliced].flatMap(([file, line]) => {
    const other = whole.get(file);
    return other === undefined ? [] : [`line ${line}: a slice of a file that line ${other} takes whole`];
  });
}
