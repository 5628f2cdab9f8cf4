import { basename, resolve } from "node:path";
import type { Sample } from "../data/dataset.ts";
import { relativeName } from "../data/splits/split-table.ts";
import { csvLine } from "../data/tables/csv.ts";
import { renderReport } from "../results/report/index.ts";
import type { RunHooks } from "../support/events.ts";
import { writeFileAtomic } from "../support/files/atomic-file.ts";
import { namedFiles, type OutputFolder, type ResultKind } from "../support/files/output-folder.ts";
import type { EvaluationOptions, EvaluationRecord } from "./evaluation-record.ts";
import { attentionExamples, drawnCases } from "./report-pictures.ts";

const [METRICS, PREDICTIONS, REPORT] = ["metrics.json", "predictions.csv", "report.html"] as const;
const BY_PATIENT = "predictions-by-patient.csv";

export const evaluationFiles: ResultKind = {
  name: "an evaluation or a run with figures of its own",
  earlier: namedFiles(/^(metrics\.json|predictions(-by-patient)?\.csv|report\.html)$/),
};

/** Images in the report. */
const EXAMPLES = 8;
/**
 * Writes metrics.json, predictions.csv, of a clinical report predictions-by-patient.csv, and report.html into a folder,
 * where they take their place together.
 *
 * @throws MsmaeError Data when they cannot be written.
 */
export async function writeEvaluation(
  folder: OutputFolder,
  record: EvaluationRecord,
  hooks: RunHooks,
): Promise<{ metricsPath: string; reportPath: string }> {
  const { metrics, unreadable, options, root } = record;
  const { split } = options;
  const skipped = unreadable.map((path) => relativeName(root, path));
  const contents = { ...metrics, split, ...subjectOf(options), unreadable: skipped };
  await writeFileAtomic(folder.at(METRICS), `${JSON.stringify(contents, undefined, 2)}\n`);
  await writeFileAtomic(folder.at(PREDICTIONS), predictionsCsv(record));
  if (record.patients) await writeFileAtomic(folder.at(BY_PATIENT), record.patients.map(csvLine).join(""));
  await writeFileAtomic(folder.at(REPORT), await report(record, hooks));
  await folder.publish();
  return { metricsPath: folder.at(METRICS), reportPath: folder.at(REPORT) };
}

/** What was evaluated, by names alone: where they lie is nobody's business who reads the results. */
function subjectOf({ checkpoint, dataPath }: EvaluationOptions): { checkpoint: string; data: string } {
  return { checkpoint: basename(checkpoint), data: basename(resolve(dataPath)) };
}

/** Path and what the model's outputs mean, a line per image. */
function predictionsCsv({ model: { description }, outcome, samples, result, root }: EvaluationRecord): string {
  const sliced = samples.some(({ item }) => item !== undefined);
  const places = sliced ? ["path", "slice"] : ["path"];
  const lines = [[...places, ...outcome.columns(description)]];
  for (const [i, index] of result.indices.entries()) {
    const { path, item } = samples[index] as Sample;
    const place = sliced ? [relativeName(root, path), `${item ?? ""}`] : [relativeName(root, path)];
    lines.push([...place, ...outcome.row(result, i, description)]);
  }
  return lines.map(csvLine).join("");
}

async function report(record: EvaluationRecord, hooks: RunHooks): Promise<string> {
  const { model, outcome, result, metrics, options, unreadable } = record;
  const { model: name, config, step, seed } = model.description;
  const { checkpoint, data } = subjectOf(options);
  const chosen = outcome.examples(result, EXAMPLES, options.seed);
  return renderReport({
    title: `Evaluation of ${name}`,
    lead: `${result.indices.length} images of split "${options.split}", all patches shown to the model.`,
    summary: [
      { label: "Checkpoint", value: checkpoint },
      { label: "Data", value: data },
      { label: "Input", value: `${config.inputHeight} × ${config.inputWidth}, ${config.inChans} channels` },
      { label: "Trained for", value: `${step} steps` },
      { label: "Unreadable images", value: String(unreadable.length) },
    ],
    ...outcome.report(metrics, options.split, await drawnCases(record, chosen, hooks), result, model.description),
    attention: { examples: await attentionExamples(record, chosen, hooks) },
    ...record.further,
    provenance: { seed, environment: [{ label: "msmae", value: model.description.msmaeVersion }] },
  });
}
