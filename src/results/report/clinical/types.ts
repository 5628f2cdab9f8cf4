import type { CalibrationLine, ClassificationIntervals, OperatingPoints, Resampling } from "../../metrics/index.ts";

/** What a clinical reader asks beside the figures of a classifier. */
export interface ClinicalFigures {
  intervals: ClassificationIntervals["figures"];
  intervalsPerClass: ClassificationIntervals["perClass"];
  /** What the intervals are drawn from. */
  resampling: Resampling;
  calibrationLines: CalibrationLine[];
  /** Chosen on the validation images; absent where there are none. */
  operatingPoint?: OperatingPoints;
}
