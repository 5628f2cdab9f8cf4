import type { Sample } from "../data/dataset.ts";
import type { OriginalPixels } from "../data/loader/sample-reader.ts";
import { type EncoderConfig, gridOf } from "../method/models/config.ts";
import type { AttentionExample } from "../results/report/index.ts";
import type { Grid } from "../results/visual/index.ts";
import type { RunHooks } from "../support/events.ts";
import { assessModel } from "./assess-model.ts";
import { attentionGraph, mapsOfBatch } from "./attention.ts";
import type { EvaluationRecord } from "./evaluation-record.ts";
import { outlinedAt, pictureOf } from "./original-pictures.ts";
import type { Case, Outcome, TruthBatch } from "./outcomes/outcome.ts";
import type { Told } from "./run-images.ts";
import type { Forward } from "./session.ts";

/** Longest side of a picture in the report, in pixels. */
const PICTURE_SIDE = 320;

/**
 * Maps over a few images of a result, with the outlines that the data set has of them; none of a model whose attention is
 * not seen, or whose answer does not come from the cls token that attends.
 */
export async function attentionExamples(
  record: EvaluationRecord,
  chosen: readonly number[],
  hooks: RunHooks,
): Promise<AttentionExample[]> {
  const { model, outcome } = record;
  return model.kind.encoder(model.description.config) && !outcome.draw ? examplesOf(record, chosen, hooks) : [];
}

/**
 * A few images of a result, with the map of a model whose attention is seen, and the outlines that the data set has of
 * them. What cannot be read by now is left out.
 */
export function examplesOf(
  record: EvaluationRecord,
  chosen: readonly number[],
  hooks: RunHooks,
  about = (i: number): Pick<AttentionExample, "caption" | "reconstruction"> => ({
    caption: record.outcome.caption(record.result, i, record.model.description),
  }),
): Promise<AttentionExample[]> {
  const { model, samples } = record;
  const { kind, description } = model;
  const encoder = kind.encoder(description.config);
  // Of an image of which nobody has said it, nothing is outlined.
  const outlined = samples.map((sample) => ({ ...sample, masks: sample.masks ?? [] }));
  const making = {
    target: { kind: "mask" } as const,
    ...(encoder && { forward: (batchSize: number) => ({ graph: attentionGraph(encoder, batchSize) }) }),
  };
  return eachOf({ ...record, samples: outlined }, chosen, making, hooks, (told, image, i) => {
    const picture = pictureOf(image, PICTURE_SIDE);
    const lesion = outlinedAt(image, { height: picture.height, width: picture.width });
    const map = encoder && mapOf(told, encoder);
    return {
      ...about(i),
      image: picture,
      maps: map ? [{ name: `this ${kind.name}`, map }] : [],
      ...(lesion.data.includes(1) && { lesion }),
    };
  });
}

/** What the model says of a few images of a result, drawn on them; none where there is nothing to draw. */
export async function drawnCases(
  record: EvaluationRecord,
  chosen: readonly number[],
  hooks: RunHooks,
): Promise<Case[]> {
  const { model, outcome, result } = record;
  const { draw } = outcome;
  if (!draw) return [];
  return eachOf(record, chosen, outcome, hooks, (told, image, i) => ({
    caption: outcome.caption(result, i, model.description),
    image: draw(told, image, model.description),
  }));
}

/** Something made of each of a few images of a result, in the order of those that are read. */
async function eachOf<Made>(
  { model, samples, result, options }: EvaluationRecord,
  chosen: readonly number[],
  running: Pick<Outcome, "target" | "windowOverlap"> & { forward?: (batchSize: number) => Forward },
  { signal }: RunHooks,
  make: (told: Told, image: OriginalPixels, i: number) => Made,
): Promise<Made[]> {
  const made: Made[] = [];
  const making = {
    ...running,
    originals: "pixels" as const,
    gather: () => ({
      add({ originals, indices }: TruthBatch, told: readonly Told[]) {
        for (const [b, said] of told.entries()) {
          made.push(make(said, originals[b] as OriginalPixels, chosen[indices[b] as number] as number));
        }
      },
      finish: () => ({ indices: new Uint32Array(), paths: [] }),
    }),
  };
  const pictures = chosen.map((i) => samples[result.indices[i] as number] as Sample);
  const { forward } = running;
  await assessModel(model, making, pictures, { ...options, ...(forward && { forward }) }, signal ? { signal } : {});
  return made;
}

function mapOf({ values }: Told, encoder: EncoderConfig): Grid {
  return { ...gridOf(encoder), data: mapsOfBatch(values.attention as Float32Array, 1, encoder) };
}
