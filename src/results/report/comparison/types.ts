import type { Estimate, McnemarTest, ModelDifference, Resampling, RocCurve } from "../../metrics/index.ts";

/** Several models on the same cases. */
export interface ComparisonSection {
  /** Name of the split, such as "test". */
  split: string;
  /** Number of cases. */
  n: number;
  /** Their names, in the order of everything below. */
  models: readonly string[];
  /** Figures over all that the models tell. */
  figures: readonly ComparedFigure[];
  /** The one of them that is told first. */
  main: string;
  /** What figures are of where they are not over all. */
  each: "Class" | "Finding";
  /** The figures of each class, finding or outline that are told, of those that the differences hold. */
  ofClasses: readonly string[];
  /** Every pair's, the first less the second. */
  differences: readonly ModelDifference[];
  resampling: Resampling;
  /** [pairs] the cases on which one model alone is right, where that can be said of a case. */
  discordant?: readonly Pick<McnemarTest, "firstOnly" | "secondOnly">[];
  /** Curves of each class or finding, [models]. */
  roc?: readonly { class: string; curves: readonly { curve: RocCurve | null; auc: number | null }[] }[];
  /** What one must know to read the figures, a sentence each. */
  rules?: readonly string[];
}

/** A figure of every model. */
export interface ComparedFigure {
  metric: string;
  /** [models] */
  estimates: readonly Estimate[];
}
