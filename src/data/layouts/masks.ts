import { basename, extname, join } from "node:path";
import { messageOf } from "../../support/errors.ts";
import { isFolder } from "../../support/files/path-kind.ts";
import { inParallel } from "../../support/in-parallel.ts";
import { imagesBelow, splitFolders, subfolders } from "../folders/image-files.ts";
import { BACKGROUND, UNNAMED } from "../sample.ts";
import type { Split } from "../split-name.ts";
import { MERGE_HINT, settleNames } from "../tables/spelling.ts";
import {
  dataError,
  faultList,
  type LayoutContext,
  type ListedFile,
  type ListedMask,
  type Listing,
  type OddFile,
  outlinedClasses,
} from "./listing.ts";
import { outlinedPixels } from "./mask-sizes.ts";

/** Endings that mask files add to the name of their image; several of one class are numbered. */
const ENDINGS = /[_-](segmentation|mask|seg|gt)([_-]\d+)?$/i;

/**
 * `images/` beside `masks/<class>/`, whose files bear the names of their images (with or without `_segmentation`,
 * `_mask`, …); masks of one kind may stand in `masks/` itself. The same inside `train|val|test/`.
 *
 * An image's class is the one of its masks with the most labelled pixels, or `background` where it has no mask or empty
 * ones only. Labelled are the light pixels of a mask: those of at least 128, or all but 0 where none is as light.
 *
 * Masks without an image, and images with a mask that cannot be read, are left out.
 *
 * @throws MsmaeError Data when there are no images, classes are spelt in several ways, or nothing fits together.
 */
export async function listMasks(root: string, context: LayoutContext): Promise<Listing> {
  const folders = await maskedSplits(root);
  const files: ListedFile[] = [];
  const leftOut: OddFile[] = [];
  let ignoredFiles = 0;
  const places = folders.size > 0 ? [...folders] : ([[undefined, "."]] as const);
  for (const [split, name] of places) {
    const found = await pairsBelow(join(root, name), context);
    ignoredFiles += found.ignored;
    leftOut.push(...found.leftOut);
    files.push(...(split === undefined ? found.files : found.files.map((file) => ({ ...file, split }))));
  }
  const settled = settleClasses(root, files, context.mergeLabels);
  const onDisk = [...folders.keys()];
  const present = new Set(files.map(({ className }) => className as string));
  const classes = [...present].filter((name) => name !== BACKGROUND).sort();
  const classNames = present.has(BACKGROUND) ? [BACKGROUND, ...classes] : classes;
  const maskClasses = outlinedClasses(files);
  const notices = ["an image's class is the largest labelled area of its masks, or background where it has none"];
  return {
    layout: "masks",
    root,
    classNames,
    ...(maskClasses && { maskClasses }),
    files,
    onDisk,
    ignoredFiles,
    notices: [...notices, ...settled],
    leftOut,
  };
}

/** Gives files of classes whose folders are spellings of one name that name. */
function settleClasses(root: string, files: readonly ListedFile[], merge: boolean): string[] {
  const byClass = Map.groupBy(files, ({ className }) => className as string);
  const spellings = new Map(
    [...byClass].map(([name, own]) => [name, { count: own.length, place: `folder masks/${name}` }]),
  );
  for (const { className: name } of files.flatMap(({ masks = [] }) => masks)) {
    // Of a class that decides no image's.
    if (name !== undefined && !spellings.has(name)) spellings.set(name, { count: 0, place: `folder masks/${name}` });
  }
  const { names, notices, faults } = settleNames("class", spellings, { merge });
  if (faults.length > 0) throw dataError(root, "each class in one spelling", faultList(faults), MERGE_HINT);
  const settled = (name: string) => names.get(name) as string;
  for (const file of files) {
    file.className = settled(file.className as string);
    file.masks = (file.masks ?? []).map((mask) => ({ ...mask, className: settled(mask.className as string) }));
  }
  return notices;
}

/** The folders of splits that hold `images/` beside `masks/`. */
export async function maskedSplits(root: string): Promise<Map<Split, string>> {
  const masked = new Map<Split, string>();
  for (const [split, name] of await splitFolders(root)) if (await hasMasks(join(root, name))) masked.set(split, name);
  return masked;
}

/** Whether a folder holds `images/` beside `masks/`. */
export async function hasMasks(folder: string): Promise<boolean> {
  return (await isFolder(join(folder, "images"))) && (await isFolder(join(folder, "masks")));
}

/** What stands in `images/` and `masks/` of a folder. */
interface Pairs {
  files: ListedFile[];
  ignored: number;
  leftOut: OddFile[];
}

async function pairsBelow(folder: string, { index }: LayoutContext): Promise<Pairs> {
  const images = await imagesBelow(join(folder, "images"));
  if (images.paths.length === 0) throw dataError(join(folder, "images"), "images", "none", "add the images");
  const byStem = new Map<string, ListedMask[]>(images.paths.map((path) => [stemOf(path), []]));
  const masks = join(folder, "masks");
  const classes = await subfolders(masks);
  const leftOut: OddFile[] = [];
  let ignored = images.ignored;
  let fitting = 0;
  for (const name of classes.length > 0 ? classes : [undefined]) {
    const found = await imagesBelow(name === undefined ? masks : join(masks, name));
    ignored += found.ignored;
    for (const path of found.paths) {
      const stem = stemOf(path);
      const owner = byStem.get(stem) ?? byStem.get(stem.replace(ENDINGS, ""));
      if (owner) {
        owner.push({ className: name ?? UNNAMED, path });
        fitting++;
      } else leftOut.push({ path, reason: "a mask without an image" });
    }
  }
  // Then names are made up in another way, and images would be taken for ones without a mask.
  if (leftOut.length > fitting) throw notFitting(masks, leftOut);
  const files: ListedFile[] = images.paths.map((path) => ({ path, className: BACKGROUND }));
  const unreadable = new Map<ListedFile, string>();
  await inParallel(files, async (file) => {
    const found: { mask: ListedMask; pixels: number }[] = [];
    for (const mask of byStem.get(stemOf(file.path)) ?? []) {
      try {
        const { pixels, light } = await outlinedPixels(mask.path, file.path, index);
        if (pixels > 0) found.push({ mask: { ...mask, light }, pixels });
      } catch (error) {
        unreadable.set(file, messageOf(error));
      }
    }
    // What is small often lies within what is large, and the later mask counts where both do.
    file.masks = found.sort((a, b) => b.pixels - a.pixels).map(({ mask }) => mask);
    file.className = file.masks[0]?.className ?? BACKGROUND;
  });
  const kept = files.filter((file) => !unreadable.has(file));
  for (const file of files) {
    const reason = unreadable.get(file);
    if (reason !== undefined) leftOut.push({ path: file.path, reason });
  }
  if (kept.length === 0) throw notFitting(masks, leftOut);
  return { files: kept, ignored, leftOut };
}

function notFitting(masks: string, odd: readonly OddFile[]): Error {
  const got = faultList(odd.map(({ path, reason }) => `${path}: ${reason}`));
  return dataError(masks, "readable masks with the names of their images", got, "correct or remove these files");
}

function stemOf(path: string): string {
  const name = basename(path).replace(/(?<=\.(nii|img|hdr))\.gz$/i, "");
  return name.slice(0, name.length - extname(name).length);
}
