import { join } from "node:path";
import { imagesBelow, splitFolders, subfolders } from "../folders/image-files.ts";
import { IMAGE_EXTENSIONS } from "../folders/image-names.ts";
import type { Split } from "../split-name.ts";
import { relativeName } from "../splits/split-table.ts";
import { MERGE_HINT, type Spelling, settleNames } from "../tables/spelling.ts";
import { dataError, faultList, type LayoutContext, type ListedFile, type Listing } from "./listing.ts";

/**
 * `root/train|val|test/<class>/**` (or `Training`, `validation` and the like), or `root/<class>/**`, whose files are told to be of split `train`. Files without an
 * extension count where they are DICOM images.
 *
 * A later split than the first may lack images of a class, which is told.
 *
 * @throws MsmaeError Data when a class folder is empty, there is no class folder, or a later split has other classes.
 */
export async function listImageFolder(root: string, { index, mergeLabels }: LayoutContext): Promise<Listing> {
  const folders = await splitFolders(root);
  const onDisk = [...folders.keys()];
  const flat = onDisk.length === 0;
  const scans = new Map<Split, SplitScan>();
  if (flat) scans.set("train", await scanClasses(root, index));
  for (const [split, name] of folders) scans.set(split, await scanClasses(join(root, name), index));
  const notices = settleFolders(root, scans, mergeLabels);
  const classNames = commonClasses(root, scans, notices);
  const files: ListedFile[] = [];
  let ignoredFiles = 0;
  for (const [split, scan] of scans) {
    ignoredFiles += scan.ignored;
    for (const className of classNames) {
      for (const path of scan.files.get(className) ?? [])
        files.push(flat ? { path, className } : { path, className, split });
    }
  }
  return { layout: "image-folder", root, classNames, files, onDisk, ignoredFiles, notices };
}

interface SplitScan {
  folder: string;
  files: Map<string, string[]>;
  ignored: number;
}

async function scanClasses(folder: string, index: LayoutContext["index"]): Promise<SplitScan> {
  const files = new Map<string, string[]>();
  let ignored = 0;
  for (const name of await subfolders(folder)) {
    const found = await imagesBelow(join(folder, name));
    const others = await index.noImages(found.unknown);
    ignored += found.ignored + others.size;
    files.set(name, others.size === 0 ? found.paths : found.paths.filter((path) => !others.has(path)));
  }
  return { folder, files, ignored };
}

/**
 * Joins class folders whose names are spellings of one, within a split and between splits.
 *
 * @throws MsmaeError Data where nobody has asked for that.
 */
function settleFolders(root: string, scans: ReadonlyMap<Split, SplitScan>, merge: boolean): string[] {
  const spellings = new Map<string, Spelling>();
  for (const { files, folder } of scans.values()) {
    for (const [name, { length: count }] of files) {
      const place = `folder ${relativeName(root, join(folder, name))}`;
      const known = spellings.get(name);
      spellings.set(name, known ? { ...known, count: known.count + count } : { count, place });
    }
  }
  const { names, notices, faults } = settleNames("class", spellings, { merge });
  if (faults.length > 0) throw dataError(root, "each class in one spelling", faultList(faults), MERGE_HINT);
  for (const scan of scans.values()) {
    const groups = Map.groupBy(scan.files, ([name]) => names.get(name) as string);
    scan.files = new Map([...groups].map(([name, group]) => [name, group.flatMap(([, paths]) => paths)]));
  }
  return notices;
}

function commonClasses(root: string, scans: ReadonlyMap<Split, SplitScan>, notices: string[]): string[] {
  const [[firstSplit, first] = []] = scans;
  if (!first || [...scans.values()].every((scan) => scan.files.size === 0)) {
    const todo = "point --data-path at a folder of train|val|test/<class>/ or of <class>/, or at a CSV file";
    throw dataError(root, "folders of images, one for each class", "no folder", todo);
  }
  const classNames = [...first.files.keys()].sort();
  for (const [split, scan] of scans) {
    const extra = [...scan.files.keys()].filter((name) => !first.files.has(name)).sort();
    if (extra.length > 0) {
      const missing = classNames.filter((name) => !scan.files.has(name));
      const got = [missing.length > 0 && `without ${missing.join(", ")}`, `with ${extra.join(", ")}`];
      const where = `classes of ${join(root, split)}`;
      const expected = `those of ${firstSplit} (${classNames.join(", ")})`;
      throw dataError(where, expected, got.filter(Boolean).join(" and "), "rename or add the class folders");
    }
    const empty = classNames.filter((name) => (scan.files.get(name)?.length ?? 0) === 0);
    if (split !== firstSplit && empty.length > 0 && empty.length < classNames.length) {
      notices.push(`split "${split}" has no image of ${empty.join(", ")}`);
    } else if (empty.length > 0) {
      const expected = `images (${[...IMAGE_EXTENSIONS].join(" ")}, or DICOM) in every class folder`;
      const where = `${split} of ${root}`;
      throw dataError(where, expected, `none in ${empty.join(", ")}`, "fill or remove the empty class folders");
    }
  }
  return classNames;
}
