import type { FinetuneOptions } from "../../config/index.ts";
import type { Batch } from "../../data/loader/loader.ts";
import { mixPatchWeights } from "../../images/mixing/apply.ts";
import type { Mix } from "../../images/mixing/draw.ts";
import { normalizerOf } from "../../inference/session.ts";
import { FeedBuilder } from "../../method/feeds.ts";
import { attentionCounts, selectFromAttentionOrder } from "../../method/masking/selection.ts";
import { dropPathRates, finetuneGraph, type KeptPatches } from "../../method/models/classifier.ts";
import { type ClassifierConfig, patchCount } from "../../method/models/config.ts";
import type { RunContext } from "../definition.ts";
import { MapBank } from "../maps/map-bank.ts";
import { refreshMaps } from "../maps/map-refresh.ts";
import { warnUniform } from "../maps/uniform-warning.ts";
import type { Phase, TrainingTask } from "../task.ts";
import { TrainingImages } from "../training-images.ts";
import { classification } from "./classification.ts";
import { dropPathFeeds } from "./drop-path.ts";

/** Which method a run follows, and what of it was chosen otherwise shows. */
export function recipeOf({ method = "msmae", maskRatio, throwRatio }: FinetuneOptions): string {
  const kept = Number((100 * (1 - maskRatio - throwRatio)).toFixed(1));
  const patches = kept === 100 ? "all patches" : `${kept} % of the patches, chosen by attention`;
  return `${method.toUpperCase()}, ${patches}`;
}

/** What the loop needs to know of fine-tuning: images masked by their attention, whole ones in the last epochs. */
export function finetuneTask(context: RunContext<FinetuneOptions, ClassifierConfig>): TrainingTask {
  const { options, loader, engine, hooks } = context;
  hooks.onEvent?.({ type: "note", message: `fine-tuning by ${recipeOf(options)}` });
  const { config } = context.plan;
  const { seed, mapInterval, epochs, fullTokenEpochs, batchSize, mapCrop } = options;
  const { mix, targetsOf, loss, state, restore, ...told } = classification(context);
  const counts = attentionCounts(patchCount(config), options);
  const rates = dropPathRates(config.depth, options.dropPath);
  const skipped = dropPathFeeds(rates, options);
  const uniform = warnUniform(hooks);
  const feeds = new FeedBuilder(config, normalizerOf({ ...options, config }));
  const maps = new MapBank(loader.samples.length, patchCount(config), seed, { ...config, mapCrop });
  const images = new TrainingImages(loader, options);

  const weightsOf = (batch: Batch, mixes: readonly Mix[] | undefined) => {
    const own = Array.from(batch.indices, (image, b) =>
      maps.weights(image, batch.geometries[b] as Batch["geometries"][number]),
    );
    if (mixes === undefined) return own;
    const size = { width: config.inputWidth, patchSize: config.patchSize };
    return own.map((weights, b) => mixPatchWeights(weights, own.at(-1 - b) as Float32Array, mixes[b] as Mix, size));
  };
  const phase = (
    kept: KeptPatches,
    pixels: (batch: Batch, epoch: number, mixes: readonly Mix[] | undefined) => ReturnType<FeedBuilder["kept"]>,
  ): Phase => {
    const graph = finetuneGraph(config, { batch: batchSize, kept, dropPathRates: rates, loss });
    return images.phase(graph, (batch, epoch, batchIndex) => {
      const mixes = mix(batch, epoch, batchIndex);
      return {
        ...pixels(batch, epoch, mixes),
        ...targetsOf(batch, mixes),
        ...skipped(epoch, batchIndex),
      };
    });
  };
  const masked = phase(counts.kept, (batch, epoch, mixes) => {
    const weights = weightsOf(batch, mixes);
    const selections = Array.from(batch.indices, (image, b) => {
      const drawn = maps.drawOrder(image, weights[b] as Float32Array, epoch, batch.repeats[b]);
      if (drawn.uniform) uniform(epoch);
      return selectFromAttentionOrder(drawn.order, counts);
    });
    return feeds.kept(batch.images, selections);
  });
  const whole = phase("all", (batch) => feeds.whole(batch.images, batchSize));
  const runsWhole = (epoch: number) => epoch >= epochs - fullTokenEpochs || counts.kept === patchCount(config);
  return {
    batchesPerEpoch: images.batchesPerEpoch,
    phase: (epoch) => (runsWhole(epoch) ? whole : masked),
    async beforeEpoch(epoch) {
      if (epoch % mapInterval !== 0 || runsWhole(epoch)) return;
      await refreshMaps({ engine, config, feeds, loader, maps, batchSize, hooks });
    },
    ...told,
    state: () => ({ ...maps.state(), ...state() }),
    restore(kept) {
      maps.restore(kept);
      restore(kept);
    },
  };
}
