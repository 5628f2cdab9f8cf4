import { MsmaeError } from "../../support/errors.ts";
import type { FileIndex } from "../index/index-cache.ts";
import { BACKGROUND } from "../sample.ts";
import type { Split } from "../split-name.ts";
import type { ValueColumns } from "../tables/value-columns.ts";

/** The shapes of data sets that are recognised. */
export type Layout = "image-folder" | "csv" | "msd" | "nnunet" | "masks";

/** One image file of a data set, before its pictures are told apart. */
export interface ListedFile {
  path: string;
  /** Name of its class; undefined where each picture's class follows from the mask. */
  className?: string;
  split?: Split;
  /** Fold of a cross-validation, from 0. */
  fold?: number;
  /** The one picture that is meant, of a file that holds several. */
  item?: number;
  patient?: string;
  lesions?: readonly string[];
  /** As {@link Sample.values}. */
  values?: readonly number[];
  /** What is outlined in it, in the order of {@link Sample.masks}; absent where nobody has said. */
  masks?: readonly ListedMask[];
}

/** A mask file, before the classes have numbers. */
export interface ListedMask {
  path: string;
  /** Name of the class that it outlines; undefined where its values are those of {@link Listing.maskValues}. */
  className?: string;
  /** As {@link Outline.light}. */
  light?: boolean;
}

/** A file that is not in the data set, because something is wrong with it. */
export interface OddFile {
  path: string;
  reason: string;
}

/** What a layout finds on disk. */
export interface Listing {
  layout: Layout;
  /** The folder that paths are told relative to. */
  root: string;
  classNames: string[];
  /** Names of what masks outline, the background first; absent where there are no masks. */
  maskClasses?: string[];
  files: ListedFile[];
  /** Splits that the data set itself names. */
  onDisk: Split[];
  /** Files inside class folders that are no images. */
  ignoredFiles: number;
  /** Sentences for people about what was left out or taken in a particular way. */
  notices: string[];
  /** Files that are left out because of a fault of their own. */
  leftOut?: OddFile[];
  /** Names of the values of mask files: a picture's class is the one of the largest area there, or the background. */
  maskValues?: ReadonlyMap<number, number>;
  /** Values of mask files for pixels that nobody has judged. */
  unjudged?: ReadonlySet<number>;
}

/** How tables are read. */
export interface TableOptions {
  /** Which column is which, as {@link parseColumns} reads it. Default: by their usual names. */
  columns?: string;
  /** Of tables without a byte order mark, a name that TextDecoder knows. Default `utf-8`. */
  encoding?: string;
  /** Columns that are told of images in place of a class; labels are then passed over. */
  values?: ValueColumns | undefined;
}

/** What layouts may use while they look, and how. */
export interface LayoutContext {
  index: FileIndex;
  tables: TableOptions;
  /** Take spellings of one name that differ only in case, spaces and the like for the same class. */
  mergeLabels: boolean;
  /** Pictures as wholes must have one class each; where not, tables may say what masks outline and no more. */
  needsClasses: boolean;
}

/** The background and the classes of all masks, sorted by code units; undefined where there are no masks. */
export function outlinedClasses(files: readonly ListedFile[]): string[] | undefined {
  const names = new Set<string>();
  for (const { masks = [] } of files)
    for (const { className } of masks) if (className !== undefined) names.add(className);
  if (names.size === 0) return undefined;
  names.delete(BACKGROUND);
  return [BACKGROUND, ...[...names].sort()];
}

/** A mask file and the image that it is of. */
export interface MaskOfImage {
  path: string;
  image: string;
}

/** The mask files of each class that masks outline. */
export function masksByClass(files: readonly ListedFile[]): Map<string, MaskOfImage[]> {
  const byClass = new Map<string, MaskOfImage[]>();
  for (const { path: image, masks = [] } of files) {
    for (const { path, className } of masks) {
      if (className === undefined) continue;
      const known = byClass.get(className);
      if (known) known.push({ path, image });
      else byClass.set(className, [{ path, image }]);
    }
  }
  return byClass;
}

export function dataError(where: string, expected: string, got: string, todo: string): MsmaeError {
  return new MsmaeError("Data", { where, expected, got, todo });
}

/** At most this many faults are named in one message. */
const SHOWN = 20;

/** One message of many faults, the first {@link SHOWN} in full. */
export function faultList(faults: readonly string[]): string {
  const more = faults.length - SHOWN;
  return faults.slice(0, SHOWN).join("; ") + (more > 0 ? `; and ${more} more` : "");
}
