import { verbs } from "../../../config/index.ts";
import type { Prediction } from "../../../inference/predictor.ts";
import { formatNumber, formatRecord } from "../output.ts";
import { filesVerb } from "../verb.ts";

export const predict = filesVerb({
  options: verbs.predict,
  summary: "Name the class of image files, a line each.",
  example: "predict --checkpoint runs/finetune/best.safetensors scan-1.png scan-2.jpg",
  notes: "A file that cannot be read gets a line with its error; the exit code is 3 only if none could be read.",
  async *run(options, hooks) {
    yield* (await import("../../../inference/predict.ts")).predict(options, hooks);
  },
  view({ path: _path, slice: _slice, class: name, probabilities, ...said }: Partial<Prediction>) {
    // A model of a library user's own kind says something else.
    if (name === undefined) return formatRecord(said).join("  ");
    const probability = probabilities?.[name];
    return `${name}  ${probability === undefined ? "" : formatNumber(probability)}`.trimEnd();
  },
});
