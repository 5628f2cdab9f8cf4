import { verbs } from "../../../config/index.ts";
import { formatRecord } from "../output.ts";
import { resultVerb } from "../verb.ts";

export const dataPrepare = resultVerb({
  options: verbs.dataPrepare,
  summary: "Make a data set of the official downloads of a published one.",
  example:
    "data prepare ham10000 HAM10000_images_part_1.zip HAM10000_images_part_2.zip HAM10000_metadata.csv --output-dir ham10000",
  notes:
    "Downloads are read as they are. Beside the images stand dataset.csv and manifest.json: source, licence, hashes, counts.",
  run: async (options, hooks) => (await import("../../../curation/prepare/index.ts")).prepareData(options, hooks),
  // All odd files stand in the manifest.
  view: (result) => formatRecord({ ...result, oddFiles: result.oddFiles.slice(0, 20) }),
});
