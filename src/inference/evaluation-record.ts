import type { EvalOptions } from "../config/index.ts";
import type { Sample } from "../data/dataset.ts";
import type { Gathered, Outcome } from "./outcomes/outcome.ts";
import type { ModelSession } from "./session.ts";

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
  options: EvalOptions;
  /** The data set's folder. */
  root: string;
}
