import type { DataCheckOptions } from "../../config/index.ts";
import type { Dataset } from "../../data/dataset.ts";
import type { Appearance } from "./appearance.ts";
import type { LocatedPair } from "./pairs.ts";
import type { Pictures } from "./pictures.ts";
import type { CheckResult } from "./result.ts";

/** What a report is made of. */
export interface CheckReportInput {
  result: CheckResult;
  dataset: Dataset;
  pictures: Pictures;
  pairs: readonly LocatedPair[];
  /** With positions of the pictures in place of names. */
  appearance: Appearance;
  /** The data set's name. */
  data: string;
  options: Pick<DataCheckOptions, "seed" | "window" | "sliceAxis">;
}
