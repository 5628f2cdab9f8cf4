import { verbs } from "../../../config/index.ts";
import type { ClassificationFigures } from "../../../inference/outcomes/classes.ts";
import type { MaskMetrics } from "../../../inference/outcomes/masks.ts";
import { classificationLines } from "../classification-lines.ts";
import { formatRecord } from "../output.ts";
import { segmentationLines } from "../segmentation-lines.ts";
import { resultVerb } from "../verb.ts";

export const evaluate = resultVerb({
  options: verbs.evaluate,
  summary: "Measure a classifier or segmenter on one split of a data set, all patches shown.",
  example: "eval --checkpoint runs/finetune/best.safetensors --data-path images --split test",
  run: async (options, hooks) =>
    (await import("../../../inference/evaluate.ts")).evaluate<Partial<ClassificationFigures> | MaskMetrics>(
      options,
      hooks,
    ),
  view(result: Partial<ClassificationFigures> | MaskMetrics) {
    if ("unit" in result) return segmentationLines(result);
    // A model of a library user's own kind has figures of its own.
    const isClassifier = (told: Partial<ClassificationFigures>): told is ClassificationFigures => "confusion" in told;
    return isClassifier(result) ? classificationLines(result) : formatRecord(result);
  },
});
