import type {
  CalibrationLine,
  ClassCurves,
  ClassDecisionCurve,
  ClassificationIntervals,
  OperatingPoints,
  ReliabilityBin,
  Resampling,
  Subgroups,
  TemperatureEffect,
} from "../../metrics/index.ts";
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
  /** ROC and precision-recall curves with bands. */
  curves: ClassCurves[];
  /** Net benefit. */
  decisionCurves: ClassDecisionCurve[];
  reliability: ReliabilityBin[];
  /** Absent where the checkpoint has none and there are no validation images to fit one on. */
  temperature?: TemperatureTold;
  /** Chosen on the validation images; absent where there are none. */
  operatingPoint?: OperatingPoints;
  /** By the columns that were asked for. */
  subgroups?: Subgroups[];
  /** Present where the data set has masks, and the model attention. */
  localisation?: LocalisationSummary;
}

/** A temperature and what it does on the images that are reported. */
export interface TemperatureTold extends TemperatureEffect {
  /** Whether the figures are of probabilities at this temperature: so they are where the checkpoint has it. */
  applied: boolean;
  /** Of one that the checkpoint does not have: on how many validation images it was fitted. */
  fittedOn?: number;
  /** Why none could be fitted. */
  reason?: string;
}
