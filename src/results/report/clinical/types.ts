import type { FlopConvention } from "../../efficiency.ts";
import type {
  Aggregation,
  AggregationCandidate,
  CalibrationLine,
  ClassCurves,
  ClassDecisionCurve,
  ClassificationIntervals,
  ConfusionMatrix,
  Difference,
  Estimate,
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
  /** Present where several images are of one patient, lesion or file. */
  patients?: PatientFigures;
  /** Present where the data set has masks, and the model attention. */
  localisation?: LocalisationSummary;
  /** On all patches and on shares of them, the smallest first; present where they were asked for. */
  budgetCurve?: BudgetPoint[];
}

/** A classifier that runs on a share of the patches. */
export interface BudgetPoint {
  /** Of all patches, in all but the first quarter of the blocks. */
  keepRatio: number;
  /** The patches of an image that go on, and the cls token. */
  tokens: number;
  accuracy: Estimate;
  aucMacro: Estimate;
  /** Figures less those on all patches, of the same resamples; absent where these are all. */
  difference?: { accuracy: Difference; aucMacro: Difference };
  /** Of the model's run alone, from pixels that were read and normalised to logits. */
  secondsPerImage: number;
  /** How it was timed: images of a batch, and runs whose median is told. */
  timing: { batch: number; runs: number };
  /** Multiply-adds by those on all patches, under each convention. */
  flops: Record<FlopConvention, number>;
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

/** The figures of patients, lesions or files of which there are several images; `n` counts those. */
export interface PatientFigures extends ClassificationIntervals {
  of: "patient" | "lesion" | "file";
  /** confusion[truth][predicted], counts. */
  confusion: ConfusionMatrix;
  /** Images of all, and the most of one. */
  images: number;
  mostImages: number;
  /** Those with images of several classes: of two classes they are of the second, of grades of the highest. */
  mixed: number;
  /** Those of them that are left out, since their classes have no order. */
  leftOut: number;
  /** How the probabilities of images become one. */
  aggregation: Aggregation;
  /** On what it was chosen, and what else was tried; null where there were no validation images to choose on. */
  chosenOn: { n: number; by: "logLoss"; candidates: AggregationCandidate[] } | null;
}
