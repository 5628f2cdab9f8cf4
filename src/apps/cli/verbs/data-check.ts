import { verbs } from "../../../config/index.ts";
import { checkSummary } from "../../../curation/check/summary.ts";
import { dataExitCode, resultVerb } from "../verb.ts";

export const dataCheck = resultVerb({
  options: verbs.dataCheck,
  summary: "Look for leaks and faults of a data set before any training.",
  example: "data check images --output-dir check --strict",
  notes: "With --strict the exit code is 3 where anything stands in two splits. Nothing in the data set is changed.",
  run: async (options, hooks) => (await import("../../../curation/check/check-data.ts")).checkData(options, hooks),
  view: checkSummary,
  exitCode: ({ leakage }, { strict }) => (strict && leakage ? dataExitCode : 0),
});
