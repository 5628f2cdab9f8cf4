import { basename, resolve } from "node:path";
import type { EvalOptions } from "../config/index.ts";
import type { Sample } from "../data/dataset.ts";
import { relativeName } from "../data/splits/split-table.ts";
import { csvLine } from "../data/tables/csv.ts";
import { gridOf, patchCount } from "../method/models/config.ts";
import { type AttentionExample, renderReport } from "../results/report/index.ts";
import type { RunHooks } from "../support/events.ts";
import { writeFileAtomic } from "../support/files/atomic-file.ts";
import { namedFiles, type OutputFolder, type ResultKind } from "../support/files/output-folder.ts";
import { RandomStream } from "../support/random.ts";
import { attentionGraph, mapsOfBatch } from "./attention.ts";
import type { Gathered, Outcome } from "./outcomes/outcome.ts";
import { readFiles } from "./read-files.ts";
import { runBatches } from "./run-batches.ts";
import { type ModelSession, readingOf } from "./session.ts";

/** What an evaluation found. */
export interface EvaluationRecord {
  model: ModelSession;
  outcome: Outcome;
  /** What the result's indices count. */
  samples: readonly Sample[];
  result: Gathered;
  metrics: object;
  /** Paths. */
  unreadable: readonly string[];
  options: EvalOptions;
  /** The data set's folder. */
  root: string;
}

const [METRICS, PREDICTIONS, REPORT] = ["metrics.json", "predictions.csv", "report.html"] as const;

export const evaluationFiles: ResultKind = {
  name: "an evaluation or a run with figures of its own",
  earlier: namedFiles(/^(metrics\.json|predictions\.csv|report\.html)$/),
};

/** Images in the report. */
const EXAMPLES = 8;
/** Longest side of a picture in the report, in pixels. */
const PICTURE_SIDE = 320;

/**
 * Writes metrics.json, predictions.csv and report.html into a folder, where they take their place together.
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
  await writeFileAtomic(folder.at(REPORT), await report(record, hooks));
  await folder.publish();
  return { metricsPath: folder.at(METRICS), reportPath: folder.at(REPORT) };
}

/** What was evaluated, by names alone: where they lie is nobody's business who reads the results. */
function subjectOf({ checkpoint, dataPath }: EvalOptions): { checkpoint: string; data: string } {
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
    ...outcome.report(metrics, options.split),
    attention: { examples: await attentionExamples(record, hooks) },
    provenance: { seed, environment: [{ label: "msmae", value: model.description.msmaeVersion }] },
  });
}

/** Maps over a few images, as many of each stratum as there is room for; none of a model whose attention is not seen. */
async function attentionExamples(record: EvaluationRecord, { signal }: RunHooks): Promise<AttentionExample[]> {
  const { model, outcome, samples, result, options } = record;
  const { description } = model;
  const config = model.kind.encoder(description.config);
  if (!config) return [];
  const chosen = chooseExamples(outcome.strata(result), options.seed);
  const pictures = chosen.map((i) => samples[result.indices[i] as number] as Sample);
  const batchSize = pictures.length;
  const reading = readingOf(description, options);
  const batches = readFiles(pictures, { config, batchSize, reading, pictureSide: PICTURE_SIDE });
  const examples: AttentionExample[] = [];
  const graph = attentionGraph(config, batchSize);
  for await (const { batch, outputs } of runBatches({ ...model, graph, batches, batchSize, signal })) {
    const maps = outputs.attention && mapsOfBatch(outputs.attention, batch.indices.length, config);
    for (const file of batch.files) {
      if ("error" in file || !file.picture || !maps) continue;
      const data = maps.slice(file.slot * patchCount(config), (file.slot + 1) * patchCount(config));
      examples.push({
        caption: outcome.caption(result, chosen[file.index] as number, description),
        image: file.picture,
        maps: [{ name: `this ${model.kind.name}`, map: { ...gridOf(config), data } }],
      });
    }
  }
  return examples;
}

/** Up to {@link EXAMPLES} images, one of each stratum in turn, drawn from the seed; sorted by stratum. */
function chooseExamples(strata: ArrayLike<number>, seed: number): number[] {
  const order = Array.from(RandomStream.for(seed, "evaluation").permutation(strata.length));
  const distinct = [...new Set(Array.from(strata))].sort((a, b) => a - b);
  const ofStratum = distinct.map((stratum) => order.filter((i) => strata[i] === stratum));
  const chosen: number[] = [];
  for (let round = 0; round < strata.length && chosen.length < EXAMPLES; round++) {
    chosen.push(...ofStratum.flatMap((images) => images[round] ?? []));
  }
  return chosen.slice(0, EXAMPLES).sort((a, b) => (strata[a] as number) - (strata[b] as number));
}
