import { verbs } from "../../../config/index.ts";
import { describeShown } from "../../../curation/show/describe.ts";
import { resultVerb } from "../verb.ts";

export const dataShow = resultVerb({
  options: verbs.dataShow,
  summary: "Show one image file step by step: header, decoded values, window, picture.",
  example: "data show scan.dcm --window 40,400 --png scan.png --array scan.npy",
  run: async (options) => (await import("../../../curation/show/show-watched.ts")).showWatched(options),
  view: describeShown,
});
