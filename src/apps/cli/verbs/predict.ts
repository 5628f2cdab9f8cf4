import { verbs } from "../../../config/index.ts";
import type { MaskLine } from "../../../inference/mask-files.ts";
import type { FindingsPrediction } from "../../../inference/outcomes/findings.ts";
import type { Prediction } from "../../../inference/predictor.ts";
import { formatNumber, formatRecord } from "../output.ts";
import { filesVerb } from "../verb.ts";

/** What is said of a picture: by a classifier, of several findings, by a segmenter, or by a model of a library user's own kind. */
type Line = Partial<Omit<Prediction, "path" | "slice">> &
  Partial<FindingsPrediction> &
  Partial<Omit<MaskLine, "path" | "slice">>;

export const predict = filesVerb({
  options: verbs.predict,
  summary: "Name the class of image files, or outline what a segmenter finds in them, a line each.",
  example: "predict --checkpoint runs/finetune/best.safetensors scan-1.png scan-2.jpg",
  notes: "A file that cannot be read gets a line with its error; the exit code is 3 only if none could be read.",
  async *run(options, hooks) {
    yield* (await import("../../../inference/predict.ts")).predict<Line>(options, hooks);
  },
  view({ path: _path, slice: _slice, ...said }) {
    const { class: name, probabilities, findings, areas, mask } = said;
    if (areas) return `${Object.entries(areas).map(areaLine).join("  ")}  ${mask}`;
    if (findings) return findingsText(findings, probabilities);
    if (name === undefined) return formatRecord(said).join("  ");
    const probability = probabilities?.[name];
    return `${name}  ${probability === undefined ? "" : formatNumber(probability)}`.trimEnd();
  },
});

function findingsText(findings: readonly string[], probabilities: FindingsPrediction["probabilities"] = {}): string {
  const told = findings.map((name) => `${name} ${formatNumber(probabilities[name] as number)}`);
  return told.join("  ") || "no finding";
}

function areaLine([name, { pixels, mm2 }]: [string, MaskLine["areas"][string]]): string {
  return `${name} ${pixels} pixels${mm2 === undefined ? "" : `, ${formatNumber(mm2)} mm²`}`;
}
