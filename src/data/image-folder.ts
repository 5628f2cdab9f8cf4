import { createHash } from "node:crypto";
import { open, readdir, stat } from "node:fs/promises";
import { extname, join, relative, sep } from "node:path";
import { MsmaeError, messageOf } from "../errors.ts";
import { IMAGE_EXTENSIONS } from "./decode/image.ts";
import { stratifiedSplit } from "./split.ts";

export const SPLITS = ["train", "val", "test"] as const;
export type Split = (typeof SPLITS)[number];

/** One labelled image file. */
export interface Sample {
  /** As given to the file system. */
  path: string;
  /** Index into {@link ImageFolder.classNames}. */
  label: number;
}

/** A classification data set on disk. */
export interface ImageFolder {
  root: string;
  /** Sorted by code units, as torchvision's ImageFolder does. */
  classNames: string[];
  splits: Record<Split, Sample[]>;
  /** Splits that stand on disk; the others are empty or were drawn from the training images. */
  onDisk: Split[];
  /** Files inside class folders that are no images by their extension. */
  ignoredFiles: number;
}

/** How to make the splits that are missing on disk. */
export interface ImageFolderOptions {
  seed: number;
  /** Share of each class's training images that becomes `val` where that folder is missing; 0 makes none. Default 0.1. */
  valSplit?: number;
  /** The same for `test`, only where the folder has no splits at all. Default 0.2. */
  testSplit?: number;
  /** Splits that must not be empty. Default: none. */
  require?: readonly Split[];
}

/**
 * Scans `root/train|val|test/<class>/**` for images. Without a `val` folder, a stratified share of `train` becomes
 * `val`. A folder `root/<class>/**` without splits is taken as training images, from which first `test` and then `val`
 * are drawn the same way; the draw depends on the seed and the file names only. Hidden files are passed over.
 *
 * @throws MsmaeError Data when a class folder is empty, there are fewer than two classes, class names differ between
 * splits, there are no images, a required split is empty, or a folder cannot be read.
 */
export async function scanImageFolder(root: string, options: ImageFolderOptions): Promise<ImageFolder> {
  const { seed, valSplit = 0.1, testSplit = 0.2 } = options;
  checkShare("valSplit", valSplit);
  checkShare("testSplit", testSplit);
  const folders = await subfolders(root);
  const onDisk = SPLITS.filter((split) => folders.includes(split));
  const flat = onDisk.length === 0;
  const scans = new Map<Split, SplitScan>();
  for (const split of flat ? (["train"] as const) : onDisk) {
    scans.set(split, await scanClasses(flat ? root : join(root, split)));
  }
  const classNames = commonClasses(root, scans);
  const splits: Record<Split, Sample[]> = { train: [], val: [], test: [] };
  let ignoredFiles = 0;
  for (const [split, scan] of scans) {
    ignoredFiles += scan.ignored;
    splits[split] = classNames.flatMap((name, label) => (scan.files.get(name) ?? []).map((path) => ({ path, label })));
  }
  if (flat) [splits.train, splits.test] = stratifiedSplit(splits.train, testSplit, seed, "test");
  if (splits.val.length === 0 && splits.train.length > 0) {
    [splits.train, splits.val] = stratifiedSplit(splits.train, valSplit, seed, "val");
  }
  for (const split of options.require ?? []) {
    if (splits[split].length > 0) continue;
    throw dataError(join(root, split), `images of split "${split}"`, "none", "add the folder, or choose another split");
  }
  return { root, classNames, splits, onDisk, ignoredFiles };
}

interface SplitScan {
  files: Map<string, string[]>;
  ignored: number;
}

async function scanClasses(folder: string): Promise<SplitScan> {
  const files = new Map<string, string[]>();
  let ignored = 0;
  for (const name of await subfolders(folder)) {
    const found = await imagesBelow(join(folder, name));
    ignored += found.ignored;
    files.set(name, found.images);
  }
  return { files, ignored };
}

function commonClasses(root: string, scans: ReadonlyMap<Split, SplitScan>): string[] {
  const [[firstSplit, first] = []] = scans;
  if (!first || [...scans.values()].every((scan) => scan.files.size === 0)) {
    const todo = "point --data-path at a folder of train|val|test/<class>/ or of <class>/";
    throw dataError(root, "folders of images, one for each class", "no folder", todo);
  }
  const classNames = [...first.files.keys()].sort(byCodeUnits);
  for (const [split, scan] of scans) {
    const missing = classNames.filter((name) => !scan.files.has(name));
    const extra = [...scan.files.keys()].filter((name) => !first.files.has(name)).sort(byCodeUnits);
    if (missing.length + extra.length > 0) {
      const got = [
        missing.length > 0 && `without ${missing.join(", ")}`,
        extra.length > 0 && `with ${extra.join(", ")}`,
      ];
      const where = `classes of ${join(root, split)}`;
      const expected = `those of ${firstSplit} (${classNames.join(", ")})`;
      throw dataError(where, expected, got.filter(Boolean).join(" and "), "rename or add the class folders");
    }
    const empty = classNames.filter((name) => scan.files.get(name)?.length === 0);
    if (empty.length > 0) {
      const expected = `images (${[...IMAGE_EXTENSIONS].join(" ")}) in every class folder`;
      const where = `${split} of ${root}`;
      throw dataError(where, expected, `none in ${empty.join(", ")}`, "fill or remove the empty class folders");
    }
  }
  if (classNames.length < 2) {
    const todo = "add a folder for each further class";
    throw dataError(root, "at least two classes", `one class only (${classNames.join()})`, todo);
  }
  return classNames;
}

async function subfolders(folder: string): Promise<string[]> {
  const names: string[] = [];
  for (const name of await list(folder)) {
    if (await isFolder(join(folder, name))) names.push(name);
  }
  return names;
}

// Follows links, which readdir's own recursion does not: data sets are often folders of links.
async function imagesBelow(folder: string): Promise<{ images: string[]; ignored: number }> {
  const images: string[] = [];
  let ignored = 0;
  for (const name of await list(folder)) {
    const path = join(folder, name);
    if (IMAGE_EXTENSIONS.has(extname(name).toLowerCase())) images.push(path);
    else if (await isFolder(path)) {
      const below = await imagesBelow(path);
      images.push(...below.images);
      ignored += below.ignored;
    } else ignored++;
  }
  return { images, ignored };
}

// Through links; a broken link is no folder.
async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
}

async function list(folder: string): Promise<string[]> {
  try {
    const names = await readdir(folder);
    return names.filter((name) => !name.startsWith(".")).sort(byCodeUnits);
  } catch (cause) {
    const parts = {
      where: folder,
      expected: "a readable folder",
      got: messageOf(cause),
      todo: "check the path and its permissions",
    };
    throw new MsmaeError("Data", parts, { cause });
  }
}

function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function checkShare(where: string, value: number): void {
  if (value >= 0 && value < 1) return;
  throw new MsmaeError("Config", {
    where,
    expected: "a share from 0 to below 1",
    got: `${value}`,
    todo: "use e.g. 0.1",
  });
}

function dataError(where: string, expected: string, got: string, todo: string): MsmaeError {
  return new MsmaeError("Data", { where, expected, got, todo });
}

/**
 * Which image is in which split, as CSV with the columns `path` (relative to the data set's root, with slashes),
 * `label` (the class name) and `split`.
 */
export function splitCsv(folder: ImageFolder): string {
  const lines = ["path,label,split"];
  for (const split of SPLITS) {
    for (const { path, label } of folder.splits[split]) {
      const fields = [relativeName(folder, path), folder.classNames[label] as string, split];
      lines.push(fields.map(quoteCsv).join(","));
    }
  }
  return `${lines.join("\n")}\n`;
}

function quoteCsv(value: string): string {
  return /[",\n\r]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

function relativeName(folder: ImageFolder, path: string): string {
  return relative(folder.root, path).split(sep).join("/");
}

const HASHED_BYTES = 65_536;

/**
 * A fingerprint of a data set, for env.json: SHA-256 over every sample's split, class, relative path, size and first
 * 64 KiB, or over the fact that it cannot be read. It does not depend on where the folder lies.
 */
export async function dataHash(folder: ImageFolder): Promise<string> {
  const hash = createHash("sha256");
  const head = Buffer.alloc(HASHED_BYTES);
  for (const split of SPLITS) {
    for (const { path, label } of folder.splits[split]) {
      const name = relativeName(folder, path);
      try {
        const file = await open(path);
        try {
          const { size } = await file.stat();
          const { bytesRead } = await file.read(head, 0, HASHED_BYTES, 0);
          hash.update(`${split}\0${folder.classNames[label]}\0${name}\0${size}\0`).update(head.subarray(0, bytesRead));
        } finally {
          await file.close();
        }
      } catch {
        // Whether a file that cannot be read ends the run is for the loader to say, as for one that cannot be decoded.
        hash.update(`${split}\0${folder.classNames[label]}\0${name}\0unreadable`);
      }
    }
  }
  return hash.digest("hex");
}
