import { verbs } from "../../../config/index.ts";
import { formatRecord } from "../output.ts";
import { resultVerb } from "../verb.ts";

export const dataStats = resultVerb({
  options: verbs.dataStats,
  summary: "Measure the mean and standard deviation of a data set's pixels.",
  example: "data stats images --in-chans 1 --output stats.yaml",
  notes: "Train with them by --config stats.yaml, or --mean and --std; the checkpoint keeps them.",
  run: async (options, hooks) => (await import("../../../curation/stats.ts")).dataStats(options, hooks),
  view: formatRecord,
});
