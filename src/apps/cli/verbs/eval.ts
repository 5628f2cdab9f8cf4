import { verbs } from "../../../config/index.ts";
import type { ClassificationFigures } from "../../../inference/outcomes/classes.ts";
import type { MaskMetrics } from "../../../inference/outcomes/masks.ts";
import { formatNumber, formatRecord } from "../output.ts";
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
    const { perClass, confusion, ...figures } = result;
    // A model of a library user's own kind has figures of its own.
    if (!perClass || !confusion) return formatRecord(figures);
    const classes = perClass.map((row) =>
      Object.entries(row)
        .map(([name, value]) => (typeof value === "number" ? `${name} ${formatNumber(value)}` : String(value)))
        .join("  "),
    );
    const width = Math.max(1, ...confusion.flat().map((count) => String(count).length));
    const matrix = confusion.map((row) => row.map((count) => String(count).padStart(width)).join(" "));
    return [
      ...formatRecord(figures),
      "",
      "per class:",
      ...classes,
      "",
      "confusion (rows: true class, columns: predicted):",
      ...matrix,
    ];
  },
});
