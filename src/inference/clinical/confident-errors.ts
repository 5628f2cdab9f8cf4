import type { EvalOptions } from "../../config/index.ts";
import type { Sample } from "../../data/dataset.ts";
import { relativeName } from "../../data/splits/split-table.ts";
import { pretrainedKind } from "../../method/kinds/pretrained.ts";
import { patchCount } from "../../method/models/config.ts";
import type { AttentionExample } from "../../results/report/index.ts";
import type { RunHooks } from "../../support/events.ts";
import type { EvaluationRecord } from "../evaluation-record.ts";
import { type Classification, likeliest, rowOf } from "../outcomes/classes.ts";
import { readFiles } from "../read-files.ts";
import { reconstructBatches } from "../reconstruct-batches.ts";
import { type Reconstruction, selectionCounts } from "../reconstructor.ts";
import { examplesOf } from "../report-pictures.ts";
import { openModel, readingOf } from "../session.ts";

/** Errors in the report. */
const SHOWN = 8;
/** The paper's, of which pre-training's choice of patches is made. */
const RATIOS = { masking: "attention", maskRatio: 0.45, throwRatio: 0.3, randomMaskRatio: 0.75 } as const;

/** Which images are told wrong with the highest probability of the wrong class, the surest first. */
export function confidentErrors({ probabilities, labels }: Classification, count: number): number[] {
  const classes = probabilities.length / labels.length;
  const sure = Array.from(labels, (label, i) => {
    const row = rowOf(probabilities, i, classes);
    const told = likeliest(row);
    return { i, wrong: told !== label, probability: row[told] as number };
  });
  const wrong = sure.filter((one) => one.wrong).sort((a, b) => b.probability - a.probability);
  return wrong.slice(0, count).map(({ i }) => i);
}

/**
 * The most confident errors for the report: each image by its name, with the map of a model whose attention is seen, and what
 * a pre-trained model fills in, where one is given.
 *
 * @throws MsmaeError as {@link openModel} for the pre-trained model, and as `assessModel`.
 */
export async function errorExamples(
  record: EvaluationRecord & { result: Classification },
  options: EvalOptions,
  hooks: RunHooks,
): Promise<AttentionExample[]> {
  const { result, samples, root, model, outcome } = record;
  const chosen = confidentErrors(result, SHOWN);
  if (chosen.length === 0) return [];
  const pictures = chosen.map((i) => samples[result.indices[i] as number] as Sample);
  const nameOf = (i: number): string => {
    const { path, item } = samples[result.indices[i] as number] as Sample;
    return `${relativeName(root, path)}${item === undefined ? "" : ` (slice ${item})`}`;
  };
  const { pretrained } = options;
  const filled = pretrained === undefined ? [] : await reconstructionsOf(pretrained, pictures, options, hooks);
  return examplesOf(record, chosen, hooks, (i) => {
    const reconstruction = filled[chosen.indexOf(i)];
    const caption = `${nameOf(i)}: ${outcome.caption(result, i, model.description)}`;
    return { caption, ...(reconstruction && { reconstruction }) };
  });
}

/** [pictures]; undefined for one that cannot be read. */
async function reconstructionsOf(
  checkpoint: string,
  pictures: readonly Sample[],
  options: EvalOptions,
  hooks: RunHooks,
): Promise<(Reconstruction["reconstruction"] | undefined)[]> {
  const pretrained = await openModel(checkpoint, [pretrainedKind], options, hooks);
  try {
    const { description } = pretrained;
    const { config, normPixLoss } = description;
    const batchSize = pictures.length;
    const reading = readingOf(description, options);
    const batches = readFiles(pictures, { config, batchSize, reading, coverage: normPixLoss });
    const counts = selectionCounts(patchCount(config), RATIOS);
    const filled: (Reconstruction["reconstruction"] | undefined)[] = pictures.map(() => undefined);
    const how = { counts, batchSize, masking: RATIOS.masking, seed: description.seed, signal: hooks.signal };
    for await (const { batch, results } of reconstructBatches(pretrained, batches, how)) {
      for (const file of batch.files) {
        if (!("error" in file)) filled[file.index] = (results[file.slot] as Reconstruction).reconstruction;
      }
    }
    return filled;
  } finally {
    await pretrained.close();
  }
}
