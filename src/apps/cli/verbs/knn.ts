import { verbs } from "../../../config/index.ts";
import { classificationLines } from "../classification-lines.ts";
import { formatNumber } from "../output.ts";
import { resultVerb } from "../verb.ts";

export const knn = resultVerb({
  options: verbs.knn,
  summary: "Classify images by the training images that a frozen encoder finds most like them.",
  example: "knn --checkpoint runs/pretrain/last.safetensors --data-path images --k 5,20,100 --output-dir runs/knn",
  notes: "Nothing is trained. The report shows test images beside the training images nearest to them.",
  run: async (options, hooks) => (await import("../../../inference/knn.ts")).knn(options, hooks),
  view({ validation = [], ...figures }) {
    const tried = validation.map(({ k, accuracy }) => `k ${k}  validation accuracy ${formatNumber(accuracy)}`);
    return [...classificationLines(figures), ...(tried.length > 0 ? ["", ...tried] : [])];
  },
});
