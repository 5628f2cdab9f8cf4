import { verbs } from "../../../config/index.ts";
import type { ClassificationFigures } from "../../../inference/outcomes/classes.ts";
import type { FindingsFigures } from "../../../inference/outcomes/findings.ts";
import type { MaskMetrics } from "../../../inference/outcomes/masks.ts";
import type { NumberFigures } from "../../../inference/outcomes/number.ts";
import { classificationLines } from "../classification-lines.ts";
import { findingsLines } from "../findings-lines.ts";
import { numberLines } from "../number-lines.ts";
import { formatRecord } from "../output.ts";
import { segmentationLines } from "../segmentation-lines.ts";
import { resultVerb } from "../verb.ts";

/** Of a classifier, of several findings, of a number, or of a segmenter; a model of a library user's own kind has others. */
type Figures = Partial<ClassificationFigures> | FindingsFigures | NumberFigures | MaskMetrics;

export const evaluate = resultVerb({
  options: verbs.evaluate,
  summary: "Measure a classifier or segmenter on one split of a data set, all patches shown.",
  example: "eval --checkpoint runs/finetune/best.safetensors --data-path images --split test",
  run: async (options, hooks) => (await import("../../../inference/evaluate.ts")).evaluate<Figures>(options, hooks),
  view(result: Figures) {
    if ("unit" in result) return segmentationLines(result);
    if ("perFinding" in result) return findingsLines(result);
    if ("maeOfMedian" in result) return numberLines(result);
    // A model of a library user's own kind has figures of its own.
    const isClassifier = (told: Partial<ClassificationFigures>): told is ClassificationFigures => "confusion" in told;
    return isClassifier(result) ? classificationLines(result) : formatRecord(result);
  },
});
