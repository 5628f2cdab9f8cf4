import type { EvalOptions } from "../config/index.ts";
import type { Sample } from "../data/dataset.ts";
import type { ReportInput } from "../results/report/index.ts";
import type { Gathered, Outcome } from "./outcomes/outcome.ts";
import type { ModelSession } from "./session.ts";

/** How it was asked for. */
export type EvaluationOptions = Pick<
  EvalOptions,
  "checkpoint" | "dataPath" | "split" | "seed" | "batchSize" | "workers" | "strict" | "window" | "sliceAxis" | "alpha"
>;

/** What an evaluation found. */
export interface EvaluationRecord {
  model: ModelSession;
  outcome: Outcome;
  /** What the result's indices count. */
  samples: readonly Sample[];
  result: Gathered;
  metrics: object;
  /** Paths. */
  unreadable: readonly string[];
  options: EvaluationOptions;
  /** Sections of the report beside the outcome's own. */
  further?: Pick<ReportInput, "errors">;
  /** What is said of patients, lesions or files of which there are several images: lines of a table. */
  patients?: readonly (readonly string[])[];
  /** The data set's folder. */
  root: string;
}
