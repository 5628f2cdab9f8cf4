import { basename, resolve } from "node:path";
import type { EvalOptions } from "../config/index.ts";
import type { Sample } from "../data/dataset.ts";
import { relativeName } from "../data/splits/split-table.ts";
import { csvLine } from "../data/tables/csv.ts";
import type { ClassifierDescription } from "../interop/model-file.ts";
import { gridOf, patchCount } from "../method/models/config.ts";
import type { ClassificationMetrics } from "../results/metrics/index.ts";
import { type AttentionExample, renderReport } from "../results/report/index.ts";
import type { RunHooks } from "../support/events.ts";
import { writeFileAtomic } from "../support/files/atomic-file.ts";
import { namedFiles, type OutputFolder, type ResultKind } from "../support/files/output-folder.ts";
import { RandomStream } from "../support/random.ts";
import { attentionGraph, mapsOfBatch } from "./attention.ts";
import { type Classification, likeliest } from "./classify.ts";
import { readFiles } from "./read-files.ts";
import { runBatches } from "./run-batches.ts";
import { type ModelSession, readingOf } from "./session.ts";

/** What an evaluation found. */
export interface EvaluationRecord {
  model: ModelSession<ClassifierDescription>;
  /** What the result's indices count. */
  samples: readonly Sample[];
  result: Classification;
  metrics: ClassificationMetrics;
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

/** Path, true and predicted class and the probability of each class, a line per image. */
function predictionsCsv({ samples, result, metrics, root }: EvaluationRecord): string {
  const { classNames } = metrics;
  const sliced = samples.some(({ item }) => item !== undefined);
  const places = sliced ? ["path", "slice"] : ["path"];
  const lines = [[...places, "class", "predicted", ...classNames.map((name) => `p(${name})`)]];
  for (const [i, index] of result.indices.entries()) {
    const { path, item } = samples[index] as Sample;
    const row = rowOf(result, i, classNames.length);
    const truth = classNames[result.labels[i] as number] as string;
    const place = sliced ? [relativeName(root, path), `${item ?? ""}`] : [relativeName(root, path)];
    lines.push([...place, truth, classNames[likeliest(row)] as string, ...Array.from(row, String)]);
  }
  return lines.map(csvLine).join("");
}

async function report(record: EvaluationRecord, hooks: RunHooks): Promise<string> {
  const { model, metrics, options, unreadable } = record;
  const { model: name, config, step, seed } = model.description;
  const { checkpoint, data } = subjectOf(options);
  return renderReport({
    title: `Evaluation of ${name}`,
    lead: `${metrics.n} images of split "${options.split}", all patches shown to the model.`,
    summary: [
      { label: "Checkpoint", value: checkpoint },
      { label: "Data", value: data },
      { label: "Input", value: `${config.inputHeight} × ${config.inputWidth}, ${config.inChans} channels` },
      { label: "Trained for", value: `${step} steps` },
      { label: "Unreadable images", value: String(unreadable.length) },
    ],
    evaluation: { split: options.split, metrics },
    attention: { examples: await attentionExamples(record, hooks) },
    provenance: { seed, environment: [{ label: "msmae", value: model.description.msmaeVersion }] },
  });
}

/** Maps over a few images, as many of each class as there is room for. */
async function attentionExamples(record: EvaluationRecord, { signal }: RunHooks): Promise<AttentionExample[]> {
  const { model, samples, result, metrics, options } = record;
  const { config } = model.description;
  const { classNames } = metrics;
  const chosen = chooseExamples(result.labels, classNames.length, options.seed);
  const pictures = chosen.map((i) => samples[result.indices[i] as number] as Sample);
  const batchSize = pictures.length;
  const reading = readingOf(model.description, options);
  const batches = readFiles(pictures, { config, batchSize, reading, pictureSide: PICTURE_SIDE });
  const examples: AttentionExample[] = [];
  const graph = attentionGraph(config, batchSize);
  for await (const { batch, outputs } of runBatches({ ...model, graph, batches, batchSize, signal })) {
    const maps = outputs.attention && mapsOfBatch(outputs.attention, batch.indices.length, config);
    for (const file of batch.files) {
      if ("error" in file || !file.picture || !maps) continue;
      const i = chosen[file.index] as number;
      const row = rowOf(result, i, classNames.length);
      const best = likeliest(row);
      const sure = `${Math.round((row[best] as number) * 100)} %`;
      const data = maps.slice(file.slot * patchCount(config), (file.slot + 1) * patchCount(config));
      examples.push({
        caption: `${classNames[result.labels[i] as number]}, predicted ${classNames[best]} (${sure})`,
        image: file.picture,
        maps: [{ name: "this classifier", map: { ...gridOf(config), data } }],
      });
    }
  }
  return examples;
}

/** Up to {@link EXAMPLES} images, one of each class in turn, drawn from the seed; sorted by class. */
function chooseExamples(labels: Int32Array, classes: number, seed: number): number[] {
  const order = RandomStream.for(seed, "evaluation").permutation(labels.length);
  const ofClass = Array.from({ length: classes }, (_, k) => Array.from(order).filter((i) => labels[i] === k));
  const chosen: number[] = [];
  for (let round = 0; round < labels.length && chosen.length < EXAMPLES; round++) {
    chosen.push(...ofClass.flatMap((images) => images[round] ?? []));
  }
  return chosen.slice(0, EXAMPLES).sort((a, b) => (labels[a] as number) - (labels[b] as number));
}

function rowOf({ probabilities }: Classification, i: number, classes: number): Float64Array {
  return probabilities.subarray(i * classes, (i + 1) * classes);
}
