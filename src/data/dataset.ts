import { createHash } from "node:crypto";
import { join } from "node:path";
import type { SliceAxis } from "../formats/source-image.ts";
import { MsmaeError } from "../support/errors.ts";
import { FileIndex } from "./index/index-cache.ts";
import { findLayout } from "./layouts/index.ts";
import { dataError, type Layout, type Listing, type OddFile } from "./layouts/listing.ts";
import { applySplitFile } from "./layouts/split-file.ts";
import { classesNotice, oddFiles, unlabelledNotice, valuesNotice } from "./notices.ts";
import { type ListedSample, samplesOf } from "./pictures/samples-of.ts";
import { parseSliceRule } from "./pictures/slice-rule.ts";
import type { Sample } from "./sample.ts";
import { SPLITS, type Split } from "./split-name.ts";
import { iterativeSplit } from "./splits/iterative.ts";
import { markBeyondShare } from "./splits/label-share.ts";
import { groupedStratifiedSplit, groupKey, hasGroups, stratifiedSplit } from "./splits/split.ts";
import { relativeName, rowsOf, splitTable } from "./splits/split-table.ts";
import type { ValueColumns } from "./tables/value-columns.ts";
import { knownClasses, partUnlabelled, trainableUnlabelled, UNLABELLED } from "./unlabelled.ts";

export type { OddFile } from "./layouts/listing.ts";
export { leftOutFrom, tellNotices } from "./notices.ts";
export type { Sample } from "./sample.ts";
export { SPLITS, type Split } from "./split-name.ts";
export type { ValueColumns } from "./tables/value-columns.ts";
export { picturesOfMaskClasses } from "./targets/pictures-of-classes.ts";

/** A classification data set on disk. */
export interface Dataset {
  /** The folder that paths are told relative to. */
  root: string;
  layout: Layout;
  /** Sorted by code units, as torchvision's ImageFolder does; where labels are numbers of a mask, in their order. */
  classNames: string[];
  /** What masks outline, the background first; absent where there are no masks. */
  maskClasses?: string[];
  /** What the samples' values are; absent where none were asked for. */
  values?: ValueColumns;
  splits: Record<Split, Sample[]>;
  /** Splits that the data set itself names; the others are empty or were drawn from the training images. */
  onDisk: Split[];
  /** Files inside class folders that are no images by their extension or content. */
  ignoredFiles: number;
  /** What the groups of samples are: the column that {@link splitCsv} gives them. Absent where there are none. */
  groupedBy?: "patient_id" | "lesion_id";
  /** Sentences for people about what was left out or taken in a particular way. */
  notices: string[];
  /** Files that are left out because of a fault of their own, told by {@link tellNotices}. */
  leftOut: OddFile[];
  /** What is known of the files without reading them again. */
  index: FileIndex;
}

/** How to open a data set. */
export interface DatasetOptions {
  seed: number;
  /** Share of each class's training images that becomes `val` where that split is missing; 0 makes none. Default 0.1. */
  valSplit?: number;
  /** The same for `test`, only where the data set has no splits at all. Default 0.2. */
  testSplit?: number;
  /**
   * Share of each class's training images whose labels are used, above 0; the others are marked as unlabelled. Default 1.
   */
  labelShare?: number;
  /**
   * What becomes of images whose class is {@link UNLABELLED}: they are marked training images, or left out, or of a class as
   * any other. Default `class`.
   */
  unlabelled?: "kept" | "left out" | "class";
  /** Splits that must not be empty. Default: none. */
  require?: readonly Split[];
  /** A CSV file that says which image is in which split, as `data split` writes it. */
  splitFile?: string;
  /** The fold of that file, or of the data set's own CSV, that becomes `val`; the other folds become `train`. */
  fold?: number;
  /** Which pictures are taken of files that hold several, a rule of {@link parseSliceRule}. Default `all`. */
  slices?: string;
  /** How volumes are cut. Default `axial`. */
  sliceAxis?: SliceAxis;
  /** Whether samples of one patient or lesion stay in one split. Default `auto`: where the data set names them. */
  group?: "auto" | "none";
  /** Which columns of tables are which, as {@link parseColumns} reads it. Default: by their usual names. */
  columns?: string;
  /** Of tables without a byte order mark, a name that TextDecoder knows. Default `utf-8`. */
  encoding?: string;
  /**
   * Columns of a CSV file that are told of images in place of a class: the set is then of one class. Splits that are drawn
   * keep the share of each finding.
   */
  values?: ValueColumns | undefined;
  /** Take names that differ only in case, spaces or Unicode form for one class or patient. Default: they are an error. */
  mergeLabels?: boolean;
  /** Fail where a file has to be left out. */
  strict?: boolean;
  /**
   * For tasks that need no classes of whole images: take a data set of one class, a table of masks without labels, and
   * tables in which the masks of one image are of several classes. Says where masks may hold more classes than they are
   * taken for.
   */
  oneClass?: boolean;
  /** Where the index of files is kept. Default: `MSMAE_CACHE_DIR`, or `msmae` in the user's cache folder. */
  cacheDir?: string;
}

/**
 * Opens a data set: an ImageFolder (`train|val|test/<class>/**` or `<class>/**`), a CSV file or a folder with a
 * `dataset.csv`, a Medical Segmentation Decathlon or nnU-Net folder, or `images/` beside `masks/<class>/`.
 *
 * Splits that the data set names are kept. Without `val`, a stratified share of `train` becomes `val`; without any
 * split, first `test` and then `val` are drawn. Slices of one file, and samples of one patient or lesion, are never drawn
 * apart. A draw depends on the seed and the order of names only.
 *
 * @throws MsmaeError Data when the data set is of no known shape, a class is empty, there are fewer than two classes,
 * rows are faulty, a required split is empty, or something cannot be read; Config for options out of range.
 */
export async function openDataset(dataPath: string, options: DatasetOptions): Promise<Dataset> {
  const { seed, valSplit = 0.1, testSplit = 0.2, sliceAxis = "axial", group = "auto" } = options;
  checkShare("valSplit", valSplit);
  checkShare("testSplit", testSplit);
  const rule = parseSliceRule(options.slices ?? "all");
  const index = await FileIndex.open(dataPath, options.cacheDir);
  const { columns, encoding, values, mergeLabels = false, oneClass = false } = options;
  const tables = { columns, encoding, values };
  const found = await findLayout(dataPath, { index, tables, mergeLabels, needsClasses: !oneClass });
  const named = await applySplitFile(found, options);
  const { unlabelled = "class" } = options;
  const listing = unlabelled === "class" ? named : { ...named, classNames: knownClasses(named) };
  if (values) checkValued(listing, values);
  else checkClasses(listing, oneClass);
  const {
    samples: pictures,
    groupedBy,
    ...odd
  } = await samplesOf(named, {
    rule,
    sliceAxis,
    grouped: group === "auto",
    index,
  });
  // Before anything can still be wrong with the splits: what was found is worth keeping.
  await index.save();
  const leftOut = [...(listing.leftOut ?? []), ...odd.leftOut];
  if (options.strict && leftOut.length > 0) throw oddFiles(listing.root, leftOut);
  const { labelled: samples, unlabelled: others } = partUnlabelled(named, listing.classNames, pictures);
  const splits = drawSplits(listing, samples, { seed, valSplit, testSplit, values });
  const kept = unlabelled === "kept" ? trainableUnlabelled(others, drawnSamples(listing, splits)) : [];
  splits.train = [...markBeyondShare(splits.train, options), ...kept];
  const notices = [
    values ? valuesNotice(values, samples) : classesNotice(listing, samples),
    ...listing.notices,
    ...leftWithout(listing, splits),
    ...unlabelledNotice(kept.length, others.length - kept.length),
  ];
  for (const split of options.require ?? []) {
    if (splits[split].length > 0) continue;
    const where = join(dataPath, split);
    throw dataError(where, `images of split "${split}"`, "none", "add the folder, or choose another split");
  }
  const { root, layout, classNames, maskClasses, onDisk, ignoredFiles } = listing;
  return {
    root,
    layout,
    classNames,
    ...(maskClasses ? { maskClasses } : {}),
    ...(values ? { values } : {}),
    splits,
    onDisk,
    ignoredFiles,
    ...(groupedBy ? { groupedBy } : {}),
    notices,
    leftOut,
    index,
  };
}

interface Shares {
  seed: number;
  valSplit: number;
  testSplit: number;
  values: ValueColumns | undefined;
}

function drawSplits(
  { onDisk, root }: Listing,
  samples: readonly ListedSample[],
  { seed, valSplit, testSplit, values }: Shares,
): Record<Split, Sample[]> {
  const splits: Record<Split, Sample[]> = { train: [], val: [], test: [] };
  for (const { split, sample } of samples) splits[split ?? "train"].push(sample);
  const draw = (share: number, name: "val" | "test") => {
    const findings = values?.kind === "findings";
    if (!hasGroups(splits.train)) {
      return (findings ? iterativeSplit : stratifiedSplit)(splits.train, share, seed, name);
    }
    const first = splits.train[0] as Sample;
    if (share > 0 && splits.train.every((sample) => groupKey(sample) === groupKey(first))) {
      const got = `one patient, lesion or file for all ${splits.train.length} pictures`;
      const oneFile = splits.train.every(({ path }) => path === first.path);
      const instead = oneFile
        ? "say by a --split-file of path, slice and split which slice is in which"
        : "name the splits, take them by the picture with --group none";
      const todo = `${instead}, or make none (--${name}-split 0)`;
      throw dataError(root, `groups that can be parted, to draw split "${name}"`, got, todo);
    }
    return (findings ? iterativeSplit : groupedStratifiedSplit)(splits.train, share, seed, name);
  };
  if (onDisk.length === 0) [splits.train, splits.test] = draw(testSplit, "test");
  if (splits.val.length === 0 && splits.train.length > 0) [splits.train, splits.val] = draw(valSplit, "val");
  return splits;
}

/** Samples for validation and testing that the data set does not name itself. */
function drawnSamples({ onDisk }: Listing, splits: Record<Split, Sample[]>): Sample[] {
  return SPLITS.flatMap((split) => (split === "train" || onDisk.includes(split) ? [] : splits[split]));
}

/** Classes that a drawn split could not get, because all their samples belong together. */
function leftWithout({ onDisk, classNames }: Listing, splits: Record<Split, Sample[]>): string[] {
  const present = new Map(SPLITS.map((split) => [split, new Set(splits[split].map(({ label }) => label))]));
  const drawn = SPLITS.filter((split) => split !== "train" && !onDisk.includes(split) && splits[split].length > 0);
  return drawn.flatMap((split) => {
    const missing = classNames.filter(
      (_, label) => present.get("train")?.has(label) && !present.get(split)?.has(label),
    );
    if (missing.length === 0) return [];
    return [`split "${split}" has no image of ${missing.join(", ")}: too few images, patients or lesions to share out`];
  });
}

function checkValued({ root, layout }: Listing, { kind, names }: ValueColumns): void {
  if (layout === "csv") return;
  const todo = "give a .csv file, or a folder with a dataset.csv";
  throw dataError(root, `a table with columns for --${kind} ${names.join()}`, `a data set of layout ${layout}`, todo);
}

function checkClasses({ root, classNames }: Listing, oneClass: boolean): void {
  if (classNames.length >= (oneClass ? 1 : 2)) return;
  const got = classNames.length === 0 ? "none" : `one class only (${classNames.join()})`;
  throw dataError(root, "at least two classes", got, "add images of each further class");
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

/**
 * Which sample is in which split, as CSV that `--split-file` reads again. Paths are relative to the data set's root; see
 * {@link splitTable} for the columns.
 */
export function splitCsv(dataset: Dataset): string {
  return splitTable(dataset, rowsOf(dataset.splits), dataset.root);
}

/**
 * A fingerprint of a data set, for env.json: SHA-256 over every sample's split, class or values, relative path, slice, size and
 * first 64 KiB, or over the fact that it cannot be read. It does not depend on where the folder lies.
 */
export async function dataHash(dataset: Dataset): Promise<string> {
  const { classNames, splits, index, root } = dataset;
  const hash = createHash("sha256");
  for (const split of SPLITS) {
    const heads = await index.heads(splits[split].map(({ path }) => path));
    for (const [at, { path, label, item, values }] of splits[split].entries()) {
      const told = values ? values.join() : (classNames[label] ?? UNLABELLED);
      const name = `${split}\0${told}\0${relativeName(root, path)}\0${item ?? ""}\0`;
      const known = heads[at];
      // Whether a file that cannot be read ends the run is for the loader to say, as for one that cannot be decoded.
      hash.update(name + (known ? `${known.size}\0${known.head}` : "unreadable"));
    }
  }
  await index.save();
  return hash.digest("hex");
}

/**
 * A fingerprint of the images of one split, whatever their names, order and place: SHA-256 over each one's slice, size and
 * first 64 KiB.
 */
export async function splitFingerprint({ splits, index }: Dataset, split: Split): Promise<string> {
  const heads = await index.heads(splits[split].map(({ path }) => path));
  const images = splits[split].map(({ item }, at) => `${item ?? ""}\0${heads[at]?.size}\0${heads[at]?.head}\n`);
  return createHash("sha256").update(images.sort().join("")).digest("hex");
}
