import { type EmbedInput, type EmbedOptions, resolveOptions, verbs } from "../config/index.ts";
import { beginEmbedding, FEWEST_ROWS } from "../results/embedding.ts";
import { MsmaeError } from "../support/errors.ts";
import type { RunHooks } from "../support/events.ts";
import { OutputFolder } from "../support/files/output-folder.ts";
import { type EmbeddedImages, featuresOfDataset, featuresOfFiles } from "./embedded-images.ts";
import { embeddingFiles, writeEmbedding } from "./embedding-files.ts";
import { openFeatureModel } from "./feature-model.ts";

export interface EmbedResult {
  /** Images, and values of each. */
  n: number;
  width: number;
  /** Path of the features. */
  features: string;
  /** Path of the pictures; null where there are too few images to draw. */
  picture: string | null;
  /** Images that could not be read, and stand nowhere. */
  unreadable: number;
}

/** Steps of a picture before something else may happen. */
const BLOCK = 10;

/**
 * Writes what a frozen encoder makes of a data set or of files, with what is known of each image, and draws the images in
 * the plane, those of similar features together.
 *
 * @throws MsmaeError Checkpoint when the checkpoint has no encoder; Config for a colouring that is not known; Data when
 * no image can be read, or the output folder holds features, is in use or cannot be written; Device; the signal's reason.
 */
export async function embed(input: EmbedInput | EmbedOptions, hooks: RunHooks = {}): Promise<EmbedResult> {
  const options = resolveOptions(verbs.embed, input);
  const { outputDir, overwrite } = options;
  const claim = { verb: "embed", kind: embeddingFiles, overwrite, onEvent: hooks.onEvent };
  await using folder = await OutputFolder.claim(outputDir, claim);
  const model = await openFeatureModel(options, hooks);
  try {
    const { dataPath, files = [] } = options;
    const images =
      dataPath === undefined
        ? await featuresOfFiles(model, files, options, hooks)
        : await featuresOfDataset(model, { ...options, dataPath }, hooks);
    const colours = coloursOf(images, options.colorBy);
    const places = await placesOf(images, options.seed, hooks);
    const written = await writeEmbedding(folder, { images, colours, places, options, description: model.description });
    return { n: images.rows.length, width: images.width, ...written, unreadable: images.unreadable };
  } finally {
    await model.close();
  }
}

/** @throws MsmaeError Config for a column that is not there. */
function coloursOf({ columns }: EmbeddedImages, asked: readonly string[] | undefined): string[] {
  const known = columns.slice(1);
  if (asked === undefined) return known.filter((name) => name === "class" || name === "split");
  const unknown = asked.filter((name) => !known.includes(name));
  if (unknown.length === 0) return [...new Set(asked)];
  throw new MsmaeError("Config", {
    where: "colorBy",
    expected: known.length > 0 ? `of ${known.join(", ")}` : "nothing, since of files only the path is known",
    got: unknown.join(", "),
    todo: "choose of these",
  });
}

async function placesOf(
  { features, width, rows }: EmbeddedImages,
  seed: number,
  { onEvent, signal }: RunHooks,
): Promise<[number, number][] | undefined> {
  if (rows.length < FEWEST_ROWS) {
    const message = `${rows.length} images are too few for a picture, which needs ${FEWEST_ROWS}`;
    onEvent?.({ type: "warning", message });
    return undefined;
  }
  const embedding = await beginEmbedding({ values: features, width }, seed);
  onEvent?.({ type: "phase", name: "picture", total: embedding.steps });
  for (let step = 0; step < embedding.steps; step++) {
    embedding.step();
    if (step % BLOCK !== BLOCK - 1) continue;
    onEvent?.({ type: "phase-progress", done: step + 1 });
    // A signal is heard between blocks only.
    await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
  }
  onEvent?.({ type: "phase-progress", done: embedding.steps });
  return embedding.places();
}
