import type { CalibrationLine, ClassificationIntervals, OperatingPoints, Resampling } from "../../metrics/index.ts";
import type { Localisation, LocalisationFigure } from "../../visual/index.ts";

/** Whether maps look at what masks outline, without the values of single images. */
export type LocalisationSummary = Omit<Localisation, LocalisationMeasure> &
  Record<LocalisationMeasure, Omit<LocalisationFigure, "perImage">>;

/** A measure of where maps look. */
export type LocalisationMeasure = "insideShare" | "auc" | "pointing";

/** What a clinical reader asks beside the figures of a classifier. */
export interface ClinicalFigures {
  intervals: ClassificationIntervals["figures"];
  intervalsPerClass: ClassificationIntervals["perClass"];
  /** What the intervals are drawn from. */
  resampling: Resampling;
  calibrationLines: CalibrationLine[];
  /** Chosen on the validation images; absent where there are none. */
  operatingPoint?: OperatingPoints;
  /** Present where the data set has masks, and the model attention. */
  localisation?: LocalisationSummary;
}
