import { join, relative } from "node:path";
import type { Sample } from "../../data/dataset.ts";
import { decodeImage } from "../../data/pictures/decode-image.ts";
import { DEFAULT_READING } from "../../data/pictures/reading.ts";
import type { PhantomSet } from "../../experiments/phantom/make-phantoms.ts";
import { attentionMapsOf } from "../../inference/attention.ts";
import { readFiles } from "../../inference/read-files.ts";
import { createWeights, type EngineOptions, type ModelSession, startEngine } from "../../inference/session.ts";
import type { PretrainedDescription } from "../../interop/model-file.ts";
import { gridOf, patchCount } from "../../method/models/config.ts";
import { maeSpecs } from "../../method/models/mae.ts";
import { type Grid, type PointingGameResult, pointingGame } from "../../results/visual/index.ts";
import type { RunHooks } from "../../support/events.ts";

const BATCH = 50;

/** Where the untrained and the supervised encoder look in the same images, and how often that is the lesion. */
export interface Looking {
  /** [images] one map of each encoder. */
  random: Grid[];
  supervised: Grid[];
  /** [images] true lesions, of the images' size. */
  lesions: Grid[];
  game: { random: PointingGameResult; supervised: PointingGameResult };
}

/**
 * Plays the pointing game with the pre-trained encoder, whose maps drive the masking, and with the same encoder as it
 * was before the first step of training: drawn from the seed.
 *
 * @param model the pre-trained model.
 * @throws MsmaeError Data when an image cannot be read; Device when the engine fails; the signal's reason.
 */
export async function lookAt(
  samples: readonly Sample[],
  set: PhantomSet,
  model: ModelSession<PretrainedDescription>,
  engineOptions: EngineOptions,
  { signal, onEvent }: RunHooks,
): Promise<Looking> {
  const paths = samples.map(({ path }) => path);
  const { config, seed } = model.description;
  const lesions = await Promise.all(paths.map((path) => readLesion(set, path)));
  onEvent?.({ type: "phase", name: "attention maps", total: 2 * paths.length });
  let done = 0;
  const mapsOf = async (engine: ModelSession<PretrainedDescription>["engine"]): Promise<Grid[]> => {
    const maps: Grid[] = [];
    await attentionMapsOf({
      engine,
      config,
      feeds: model.feeds,
      batches: readFiles(samples, { config, batchSize: BATCH, reading: DEFAULT_READING }),
      batchSize: BATCH,
      onMaps(indices, weights) {
        const patches = patchCount(config);
        indices.forEach((image, b) => {
          maps[image] = { ...gridOf(config), data: weights.slice(b * patches, (b + 1) * patches) };
        });
        done += indices.length;
        onEvent?.({ type: "phase-progress", done });
      },
      signal,
    });
    return maps;
  };
  const untrained = await startEngine(createWeights(maeSpecs(config), seed), engineOptions);
  try {
    const random = await mapsOf(untrained);
    const supervised = await mapsOf(model.engine);
    const game = { random: pointingGame(random, lesions), supervised: pointingGame(supervised, lesions) };
    return { random, supervised, lesions, game };
  } finally {
    await untrained.close();
  }
}

/** The true lesion of a phantom. */
async function readLesion({ root, masks }: PhantomSet, path: string): Promise<Grid> {
  const { width, height, pixels } = await decodeImage(join(masks, relative(root, path)), { channels: 1 });
  return { width, height, data: pixels };
}
