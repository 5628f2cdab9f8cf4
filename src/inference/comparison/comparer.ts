import type { ModelDifference, Resampling } from "../../results/metrics/index.ts";
import type { ComparisonSection } from "../../results/report/index.ts";
import type { Gathered } from "../outcomes/outcome.ts";
import type { Answered, ComparedModel } from "./compared-model.ts";

/** How several models did on the same cases. */
export interface Compared {
  /** What they tell, in the order in which figures of each come. */
  names: string[];
  /** [models] each one's figures on these cases, and all that metrics.json has of them. */
  models: { figures: object; metrics: object }[];
  differences: ModelDifference[];
  resampling: Resampling;
  /** Further tests, for metrics.json. */
  tests?: object;
  /** What is true of each case and what each model said. */
  table: { columns: string[]; rows: string[][] };
  section: Omit<ComparisonSection, "split" | "n" | "models" | "differences" | "resampling">;
}

/** Compares models that tell one kind of thing. */
export interface Comparer<R extends Gathered = Gathered> {
  /** Before anything is run. @throws MsmaeError Checkpoint where these models cannot be compared. */
  check(models: readonly ComparedModel[]): void;
  /** @param seed of the resamples that all models share. */
  compare(models: readonly Answered<R>[], seed: number): Compared;
}
