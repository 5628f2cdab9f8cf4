import type { KnnOptions } from "../config/index.ts";
import type { Neighbours } from "../results/neighbours.ts";
import type { RetrievalExample } from "../results/report/index.ts";
import type { RgbImage } from "../results/visual/index.ts";
import type { RunHooks } from "../support/events.ts";
import type { FeatureSet } from "./features.ts";
import type { PictureRef } from "./list-pictures.ts";
import { type Classification, classes } from "./outcomes/classes.ts";
import { readFiles } from "./read-files.ts";
import { type ModelSession, readingOf } from "./session.ts";

/** Neighbours shown beside an image. */
const SHOWN = 5;
/** Longest side of a picture in the report, in pixels. */
const PICTURE_SIDE = 224;

/** Images of a result beside those of the bank that are nearest to them. */
export async function retrievalExamples(of: {
  model: ModelSession;
  queries: FeatureSet;
  bank: FeatureSet;
  /** What the indices of both count. */
  samples: { queries: readonly PictureRef[]; bank: readonly PictureRef[] };
  found: Neighbours;
  /** Which queries are shown. */
  chosen: readonly number[];
  result: Classification;
  options: KnnOptions;
  hooks: RunHooks;
}): Promise<RetrievalExample[]> {
  const { model, queries, bank, samples, found, chosen, result, options, hooks } = of;
  const { classNames } = model.description;
  const shown = Math.min(SHOWN, found.k);
  const examples: RetrievalExample[] = [];
  for (const query of chosen) {
    hooks.signal?.throwIfAborted();
    const places = Array.from({ length: shown }, (_, place) => query * found.k + place);
    const rows = places.map((place) => found.indices[place] as number);
    const refs = [
      samples.queries[queries.indices[query] as number] as PictureRef,
      ...rows.map((row) => samples.bank[bank.indices[row] as number] as PictureRef),
    ];
    const [image, ...near] = await picturesOf(refs, model, options);
    if (!image) continue;
    const neighbours = near.flatMap((picture, i) => {
      const name = classNames[bank.labels[rows[i] as number] as number] as string;
      const similarity = found.similarities[places[i] as number] as number;
      return picture ? [{ name, similarity, image: picture }] : [];
    });
    examples.push({ caption: classes.caption(result, query, model.description), image, neighbours });
  }
  return examples;
}

/** Pictures for drawing, undefined where a file cannot be read any more. */
async function picturesOf(
  refs: readonly PictureRef[],
  { description }: ModelSession,
  options: KnnOptions,
): Promise<(RgbImage | undefined)[]> {
  const { config } = description;
  const reading = readingOf(description, options);
  const pictures: (RgbImage | undefined)[] = [];
  for await (const { files } of readFiles(refs, {
    config,
    batchSize: refs.length,
    reading,
    pictureSide: PICTURE_SIDE,
  })) {
    for (const file of files) pictures.push("error" in file ? undefined : file.picture);
  }
  return pictures;
}
