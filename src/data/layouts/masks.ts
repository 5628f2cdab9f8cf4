import { basename, extname, join } from "node:path";
import { messageOf } from "../../support/errors.ts";
import { inParallel } from "../index/index-cache.ts";
import type { LabelAreas } from "../index/label-areas.ts";
import type { Split } from "../sample.ts";
import { MERGE_HINT, settleNames } from "../tables/spelling.ts";
import { imagesBelow, isFolder, splitFolders, subfolders } from "./folders.ts";
import { dataError, faultList, type LayoutContext, type ListedFile, type Listing, type OddFile } from "./listing.ts";

const BACKGROUND = "background";
/** The class of masks that stand in `masks/` itself. */
const UNNAMED = "lesion";
/** Endings that mask files add to the name of their image. */
const ENDINGS = /[_-](segmentation|mask|seg|gt)$/i;

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
  const notices = ["an image's class is the largest labelled area of its masks, or background where it has none"];
  return {
    layout: "masks",
    root,
    classNames,
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
  const { names, notices, faults } = settleNames("class", spellings, { merge });
  if (faults.length > 0) throw dataError(root, "each class in one spelling", faultList(faults), MERGE_HINT);
  for (const file of files) file.className = names.get(file.className as string) as string;
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

interface Mask {
  className: string;
  path: string;
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
  const byStem = new Map<string, Mask[]>(images.paths.map((path) => [stemOf(path), []]));
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
    let most = 0;
    for (const { className, path } of byStem.get(stemOf(file.path)) ?? []) {
      try {
        const pixels = lightPixels(await index.labelAreas(path, "axial", file.path));
        if (pixels <= most) continue;
        most = pixels;
        file.className = className;
        file.mask = path;
      } catch (error) {
        unreadable.set(file, messageOf(error));
      }
    }
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

// Masks saved as JPEG have faint noise around 0.
function lightPixels(areas: LabelAreas): number {
  let light = 0;
  let any = 0;
  for (const area of areas) {
    for (const [value, pixels] of area) {
      any += pixels;
      if (value >= 128) light += pixels;
    }
  }
  return light > 0 ? light : any;
}
