import type { ArmDifference, ClassificationMetrics, Equivalence, SegmentationMetrics } from "../metrics/index.ts";
import type { Grid, PatchMask, PointingGameResult, RgbImage } from "../visual/index.ts";
import type { ClinicalFigures } from "./clinical/types.ts";
import type { ComparisonSection } from "./comparison/types.ts";
import type { AgreementSection, FindingsSection } from "./values/types.ts";

/** What a report shows. Every part but the title is optional; absent parts leave no trace. */
export interface ReportInput {
  title: string;
  /** One or two sentences under the title. */
  lead?: string;
  /** Facts of the run, in order: model, data, epochs, time… */
  summary?: readonly ReportFact[];
  curves?: readonly CurveChart[];
  evaluation?: EvaluationSection;
  segmentation?: SegmentationSection;
  figures?: FiguresSection;
  findings?: FindingsSection;
  agreement?: AgreementSection;
  comparison?: ComparisonSection;
  experiment?: ExperimentSection;
  looking?: LookingSection | undefined;
  attention?: AttentionSection;
  /** The most confident errors, the surest first; empty where nothing was told wrong. */
  errors?: readonly AttentionExample[];
  retrieval?: RetrievalSection;
  embedding?: EmbeddingSection;
  pointingGame?: PointingGameSection;
  reconstructions?: readonly ReconstructionExample[];
  provenance?: ProvenanceSection;
}

export interface ReportFact {
  label: string;
  value: string;
}

/** One small chart of values over epochs, or over something else that grows. */
export interface CurveChart {
  title: string;
  /** Label of the horizontal axis. Default `epoch`. */
  xTitle?: string;
  /** Label of the vertical axis, with its unit where there is one. */
  yTitle: string;
  /** d3-format of the vertical axis, such as "%" or ".1e". */
  yFormat?: string;
  series: readonly CurveSeries[];
}

export interface CurveSeries {
  name: string;
  /** [epoch, value] pairs; pairs with a value that is not finite are left out. */
  points: readonly (readonly [epoch: number, value: number])[];
  /** Pairs of each of the runs that the series is the mean of: thin lines behind it. */
  runs?: readonly (readonly (readonly [number, number])[])[];
}

/** Ways of training beside each other, each with several seeds. */
export interface ExperimentSection {
  /** Figures in shares; `paper` is the published one. */
  rows: readonly ExperimentRow[];
  differences: readonly ArmDifference[];
  /** Whether ways of training that are asked about train alike. */
  losses: readonly LossRow[];
  seeds: number;
  /** What the figures are to be read as, a sentence. */
  scale: string;
  curves: readonly CurveChart[];
}

/** Training losses of two ways beside each other, by their means over the epochs. */
export interface LossRow extends Equivalence {
  stage: string;
  first: string;
  second: string;
  /** Those that all ways have finished. */
  seeds: number;
  epochs: number;
  /** Epochs in which they are equal by the same test; and of the others, those in which the first is the higher one. */
  equalEpochs: number;
  higherEpochs: number;
}

/** Where pre-trainings look, and what masking by it does to lesions. */
export interface LookingSection {
  rows: readonly LookingRow[];
  /** Mean number of test images with a lesion of one seed, and of patches of a lesion. */
  images: number;
  patches: number;
  curves: readonly CurveChart[];
}

/** A pre-training after its last epoch, or what drawing as many patches uniformly would do. */
export interface LookingRow {
  name: string;
  /** Of pre-training; null where nothing is trained. */
  epoch: number | null;
  seeds: number;
  /** Shares over seeds; null where there is none. */
  figures: Record<LookingFigure, SeedsFigure | null>;
}

export type LookingFigure = "pointing" | "auc" | "masked" | "thrown" | "kept" | "hidden";

/** Mean over seeds and standard deviation of the sample, null with one seed. */
export interface SeedsFigure {
  mean: number;
  std: number | null;
}

export interface ExperimentRow {
  method: string;
  metric: string;
  mean: number;
  std: number | null;
  low: number;
  high: number;
  paper: number | null;
}

/** Figures of the classifier on one split. */
export interface EvaluationSection {
  /** Name of the split, such as "test". */
  split: string;
  metrics: ClassificationMetrics & Partial<ClinicalFigures>;
}

/** Figures of a segmenter on one split. */
export interface SegmentationSection {
  /** Name of the split, such as "test". */
  split: string;
  metrics: SegmentationMetrics;
  /** Dice of single images, as `diceOfImage` gives it, whose spread is drawn. */
  dice?: readonly number[];
  cases: readonly SegmentationCase[];
}

export interface SegmentationCase {
  /** What the image is, such as "best: 0012.png, Dice 0.97". */
  caption: string;
  /** With truth and prediction, as `outlinePair` draws them. */
  image: RgbImage;
}

/** Figures of a model of any kind on one split. */
export interface FiguresSection {
  /** What is measured, such as "How well it tells the age: 200 test images". */
  title: string;
  rows: readonly { name: string; value: string; meaning: string }[];
}

/** Attention maps over images: one row per image, one column per model. */
export interface AttentionSection {
  examples: readonly AttentionExample[];
}

export interface AttentionExample {
  /** What the image is, such as "glioma, predicted glioma (93 %)". */
  caption: string;
  image: RgbImage;
  /** The same model names in the same order in every example. */
  maps: readonly NamedMap[];
  /** Lesion mask [height, width] of the image's size, drawn as an outline. */
  lesion?: Grid;
  /** The image with hidden patches filled in by a pre-trained model. */
  reconstruction?: RgbImage;
}

export interface NamedMap {
  /** Which model looks, such as "random weights" or "supervised pre-training". */
  name: string;
  /** Attention weights [gh, gw]. */
  map: Grid;
}

/** Images beside those that a model finds most like them. */
export interface RetrievalSection {
  examples: readonly RetrievalExample[];
}

export interface RetrievalExample {
  /** What the image is, such as "glioma, predicted glioma (93 %)". */
  caption: string;
  image: RgbImage;
  /** The nearest first, by the names of their classes. */
  neighbours: readonly { name: string; similarity: number; image: RgbImage }[];
}

/** Images as points, those that a model takes for alike together. */
export interface EmbeddingSection {
  /** [n] */
  places: readonly (readonly [x: number, y: number])[];
  /** What is known of the images, [n] each; one picture for each. Numbers of more than a few values are a scale. */
  colourings: readonly { name: string; values: readonly string[] }[];
}

/** How often each model's map peaks in the lesion. */
export interface PointingGameSection {
  results: readonly { name: string; result: PointingGameResult }[];
  /** Pixels, as given to the pointing game. Default 0. */
  tolerance?: number;
}

export interface ReconstructionExample {
  caption: string;
  original: RgbImage;
  /** [L] 0 kept, 1 masked, −1 thrown. */
  mask: PatchMask;
  patchSize: number;
  /** The decoder's output as pixels, at the original's size. */
  reconstruction: RgbImage;
}

/** How the report's numbers were made, so that they can be made again. */
export interface ProvenanceSection {
  seed: number;
  /** The command that repeats the run. */
  command?: string;
  /** What a reader should know beside the figures, a sentence each. */
  notes?: readonly string[];
  /** Versions and machine, in order. */
  environment: readonly ReportFact[];
  /** The resolved configuration, as YAML. */
  configYaml?: string;
}
