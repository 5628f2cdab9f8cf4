import type { ModelDescription } from "../interop/model-file.ts";
import { type Aggregation, aggregateGroups } from "../results/metrics/index.ts";
import { type ClassPrediction, likeliest } from "./outcomes/classes.ts";
import type { Prediction } from "./predictor.ts";
import type { FileFailure } from "./read-files.ts";

/** What a classifier says of a file by the pictures in it. */
export interface FilePrediction extends ClassPrediction {
  path: string;
  /** How many of its frames, pages or slices could be read. */
  slices: number;
}

/**
 * A line for each file in the place of one for each of its pictures, which follow each other; what cannot be read keeps a
 * line of its own, before that of its file.
 */
export async function* byFile(
  lines: AsyncIterable<Prediction | FileFailure>,
  aggregation: Aggregation,
  model: Pick<ModelDescription, "classNames" | "target">,
): AsyncGenerator<FilePrediction | FileFailure, void, void> {
  let path: string | undefined;
  let rows: Prediction["probabilities"][] = [];
  function* told(): Generator<FilePrediction> {
    if (path !== undefined && rows.length > 0) yield aggregated(path, rows, aggregation, model);
    rows = [];
  }
  for await (const line of lines) {
    if (line.path !== path) yield* told();
    path = line.path;
    if ("error" in line) yield line;
    else rows.push(line.probabilities);
  }
  yield* told();
}

function aggregated(
  path: string,
  rows: readonly Prediction["probabilities"][],
  aggregation: Aggregation,
  { classNames, target }: Pick<ModelDescription, "classNames" | "target">,
): FilePrediction {
  const cases = {
    probabilities: rows.flatMap((row) => classNames.map((name) => row[name] as number)),
    classNames,
    ordered: target?.kind === "grades",
  };
  const row = aggregateGroups(cases, { members: [[...rows.keys()]] }, aggregation);
  const probabilities = Object.fromEntries(classNames.map((name, k): [string, number] => [name, row[k] as number]));
  return { path, slices: rows.length, class: classNames[likeliest(row)] as string, probabilities };
}
