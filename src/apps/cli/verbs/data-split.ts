import { verbs } from "../../../config/index.ts";
import { formatRecord } from "../output.ts";
import { resultVerb } from "../verb.ts";

export const dataSplit = resultVerb({
  options: verbs.dataSplit,
  summary: "Draw train, val and test, or folds, and write them as a CSV file.",
  example: "data split images --folds 5 --seed 1 --output splits.csv",
  notes:
    "The file is given to training and eval as --split-file, with --fold N for folds. Splits that the data set itself names are kept.",
  run: async (options, hooks) => (await import("../../../curation/split-data.ts")).splitData(options, hooks),
  view: formatRecord,
});
