import { verbs } from "../../../config/index.ts";
import { formatRecord } from "../output.ts";
import { dataExitCode, resultVerb } from "../verb.ts";

export const dataAnonymise = resultVerb({
  options: verbs.dataAnonymise,
  summary: "Copy DICOM files without what tells who the patient is, by the standard's basic profile.",
  example: "data anonymise study --output-dir anonymous --keep patient-characteristics",
  notes:
    "Pixel data stay as they are: files whose pictures may hold a name are listed for review. The exit code is 3 where a file could not be read.",
  run: async (options, hooks) => (await import("../../../curation/anonymise/index.ts")).anonymiseDicom(options, hooks),
  view: formatRecord,
  exitCode: ({ failed }) => (failed.length > 0 ? dataExitCode : 0),
});
