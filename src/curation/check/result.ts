import type { OddFile, Split } from "../../data/dataset.ts";
import type { Appearance } from "./appearance.ts";
import type { Dropped, FixKeep } from "./clean-split.ts";
import type { CopyCounts } from "./copies.ts";
import type { UnreadableImage } from "./pictures.ts";
import type { Shortcuts } from "./shortcuts.ts";

/** `leak`: figures measured on these splits are wrong. `warning`: look before training. `note`: good to know. */
export type FindingLevel = "leak" | "warning" | "note";

/** One thing that a reviewer would remark on, in words. */
export interface Finding {
  level: FindingLevel;
  /** Stable name, such as `identical-across-splits`. */
  id: string;
  /** A short sentence with the figure. */
  title: string;
  /** What it means and what to do. */
  text: string;
}

/** A picture by its name. */
export interface NamedPicture {
  /** Relative to the data set's root. */
  path: string;
  item?: number;
  split: Split;
  class: string;
}

/** Two pictures that show the same. */
export interface CopyPair {
  kind: "identical" | "near-identical";
  acrossSplits: boolean;
  a: NamedPicture;
  b: NamedPicture;
  /** What `b` must go through to lie over `a`, in words. */
  turn: string;
  /** Correlation of grey levels and of detail, at most 1. */
  correlation: number;
  detail: number;
}

/** What `data check` finds. Numbers are defined where they are counted: see {@link CopyCounts}. */
export interface CheckResult extends CopyCounts {
  images: number;
  unreadable: UnreadableImage[];
  /** Files that are not among the images because of a fault of their own, by their paths from the data set's folder. */
  leftOut: OddFile[];
  /** Images of each class, and of each class in each split. */
  classCounts: Record<string, number>;
  splitClassCounts: Record<Split, Record<string, number>>;
  /** Whether anything of one split stands in another: identical or nearly, or one patient, lesion or file. */
  leakage: boolean;
  findings: Finding[];
  /** The pairs, those across splits first; at most {@link MOST_PAIRS}, of `pairsFound`. */
  pairs: CopyPair[];
  pairsFound: number;
  appearance: Omit<Appearance, "tiny" | "oddSizes" | "oddShapes" | "oddModes" | "lowRange"> & {
    tiny: NamedPicture[];
    oddSizes: NamedPicture[];
    oddShapes: NamedPicture[];
    oddModes: NamedPicture[];
    lowRange: NamedPicture[];
  };
  shortcuts: Shortcuts;
  /** DICOM files, and how many of them hold each attribute that may tell who the patient is. */
  dicom: { files: number; identifying: Record<string, number> };
  reportPath?: string;
  resultPath?: string;
  fix?: { path: string; keep: FixKeep; images: number; dropped: Dropped };
  seconds: number;
}

/** Pairs named in a result. */
export const MOST_PAIRS = 10_000;
