import type { DatasetOptions } from "../../data/dataset.ts";
import type { AlphaRule } from "../../formats/source-image.ts";
import type { FixKeep } from "./clean-split.ts";

/** What `data check` takes. */
export interface CheckOptions
  extends Pick<
    DatasetOptions,
    "slices" | "axis" | "splitFile" | "fold" | "columns" | "encoding" | "mergeLabels" | "cacheDir"
  > {
  dataPath: string;
  seed: number;
  /** Folder for report.html and check.json; without it neither is written. */
  outputDir?: string;
  /** Replace an earlier check in the folder, and a file that stands where `fix` is to be written. */
  overwrite?: boolean | undefined;
  /** How values of any unit become grey levels, a rule of {@link parseWindow}. Default `auto`. */
  window?: string;
  /** What becomes of transparency. Default `drop`. */
  alpha?: AlphaRule;
  /** Write a split without leaks as CSV: `true` for cleaned.csv in the output folder, or a path. Images stay as they are. */
  fix?: boolean | string;
  /**
   * Which copy the cleaned split keeps. Default `test`: the published test set stays whole, so that figures can be
   * compared, and what it shares with training is not learned.
   */
  fixKeep?: FixKeep;
  /** Threads that decode; 0 decodes in this thread. Default: one for each core, at most 8. */
  workers?: number;
  /** Longest time for one picture, in seconds. Default 60. */
  itemSeconds?: number;
}
