import type { Sample } from "../data/dataset.ts";
import type { OriginalPixels } from "../data/loader/sample-reader.ts";
import { gridOf, patchCount } from "../method/models/config.ts";
import type { AttentionExample } from "../results/report/index.ts";
import type { RgbImage } from "../results/visual/index.ts";
import type { RunHooks } from "../support/events.ts";
import { assessModel } from "./assess-model.ts";
import { attentionGraph, mapsOfBatch } from "./attention.ts";
import type { EvaluationRecord } from "./evaluation-record.ts";
import type { Case, TruthBatch } from "./outcomes/outcome.ts";
import { readFiles } from "./read-files.ts";
import { runBatches } from "./run-batches.ts";
import type { Told } from "./run-images.ts";
import { readingOf } from "./session.ts";

/** Longest side of a picture in the report, in pixels. */
const PICTURE_SIDE = 320;

/**
 * Maps over a few images of a result; none of a model whose attention is not seen, or whose answer does not come from the cls
 * token that attends.
 */
export async function attentionExamples(
  { model, outcome, samples, result, options }: EvaluationRecord,
  chosen: readonly number[],
  { signal }: RunHooks,
): Promise<AttentionExample[]> {
  const { description } = model;
  const config = model.kind.encoder(description.config);
  if (!config || outcome.draw) return [];
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

/** What the model says of a few images of a result, drawn on them; none where there is nothing to draw. */
export async function drawnCases(
  { model, outcome, samples, result, options }: EvaluationRecord,
  chosen: readonly number[],
  { signal }: RunHooks,
): Promise<Case[]> {
  const { draw } = outcome;
  if (!draw) return [];
  const { description } = model;
  const indices: number[] = [];
  const images: RgbImage[] = [];
  const drawing = {
    ...outcome,
    originals: "pixels" as const,
    gather: () => ({
      add({ originals, ...batch }: TruthBatch, told: readonly Told[]) {
        for (const [b, said] of told.entries()) images.push(draw(said, originals[b] as OriginalPixels, description));
        indices.push(...batch.indices);
      },
      finish: () => ({ indices: Uint32Array.from(indices), paths: [] }),
    }),
  };
  const pictures = chosen.map((i) => samples[result.indices[i] as number] as Sample);
  await assessModel(model, drawing, pictures, options, signal ? { signal } : {});
  return images.map((image, at) => ({
    caption: outcome.caption(result, chosen[indices[at] as number] as number, description),
    image,
  }));
}
