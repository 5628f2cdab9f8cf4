import type { FinetuneOptions } from "../config/index.ts";
import type { Batch, ImageLoader } from "../data/loader/loader.ts";
import { targetOf } from "../data/targets/target.ts";
import type { Engine } from "../engine/thread/engine.ts";
import { mixPatchWeights, mixTargets } from "../images/mixing/apply.ts";
import type { Mix } from "../images/mixing/draw.ts";
import type { SplitDescription } from "../interop/model-file.ts";
import { classTargets, type FeedBuilder, weighTargets } from "../method/feeds.ts";
import { attentionCounts, selectFromAttentionOrder } from "../method/masking/selection.ts";
import { dropPathRates, finetuneGraph, type KeptPatches } from "../method/models/classifier.ts";
import { type ClassifierConfig, patchCount } from "../method/models/config.ts";
import type { RunHooks } from "../support/events.ts";
import { RandomStream } from "../support/random.ts";
import { batchMixer } from "./batch-mixer.ts";
import type { MapBank } from "./map-bank.ts";
import { refreshMaps } from "./map-refresh.ts";
import { describeTraining } from "./setup.ts";
import type { Phase, TrainingTask } from "./task.ts";
import { warnUniform } from "./uniform-warning.ts";

/** What the trainer needs to know of fine-tuning. */
export function finetuneTask(parts: {
  options: FinetuneOptions;
  config: ClassifierConfig;
  feeds: FeedBuilder;
  maps: MapBank;
  engine: Engine;
  loader: ImageLoader;
  hooks: RunHooks;
  classNames: string[];
  /** How the data were shared out. */
  split: SplitDescription;
  /** A weight per class in the loss; all weigh the same where it is undefined. */
  classWeights: readonly number[] | undefined;
}): TrainingTask {
  const { options, config, feeds, maps, engine, loader, hooks, classNames, split, classWeights } = parts;
  const { seed, smoothing, mapInterval, epochs, fullTokenEpochs, batchSize, loss, focalGamma } = options;
  const counts = attentionCounts(patchCount(config), options);
  const rates = dropPathRates(config.depth, options.dropPath);
  const uniform = warnUniform(hooks);

  const mix = batchMixer(options, config);
  const targetsOf = (labels: Int32Array, mixes: readonly Mix[] | undefined) => {
    const smoothed = classTargets(labels, config.numClasses, smoothing);
    const mixed = mixes === undefined ? smoothed : mixTargets(smoothed, mixes);
    return classWeights === undefined ? mixed : weighTargets(mixed, classWeights);
  };
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
  ): Phase => ({
    graph: finetuneGraph(config, {
      batch: batchSize,
      kept,
      dropPathRates: rates,
      focalGamma: loss === "focal" ? (focalGamma ?? 2) : undefined,
    }),
    feeds(batch, epoch, batchIndex) {
      const mixes = mix(batch, epoch, batchIndex);
      return {
        ...pixels(batch, epoch, mixes),
        classTargets: targetsOf(targetOf(batch, "class").labels, mixes),
        ...(options.dropPath > 0 ? { dropPath: drawDropPath(rates, batchSize, seed, epoch, batchIndex) } : {}),
      };
    },
  });
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
    verb: "finetune",
    maps,
    phase: (epoch) => (runsWhole(epoch) ? whole : masked),
    async beforeEpoch(epoch) {
      if (epoch % mapInterval !== 0 || runsWhole(epoch)) return;
      await refreshMaps({ engine, config, feeds, loader, maps, batchSize, hooks });
    },
    describe: (epoch, step) => ({
      kind: "classifier",
      config,
      ...describeTraining(options, { classNames, split }, epoch, step),
    }),
  };
}

/** Drop-path factors [depth, 2, batch]: 0 with the block's rate, else 1 / (1 - rate). */
function drawDropPath(
  rates: readonly number[],
  batch: number,
  seed: number,
  epoch: number,
  batchIndex: number,
): Float32Array {
  const stream = RandomStream.for(seed, "drop-path", epoch, batchIndex);
  const factors = new Float32Array(rates.length * 2 * batch);
  rates.forEach((rate, block) => {
    for (let i = 0; i < 2 * batch; i++) factors[block * 2 * batch + i] = stream.uniform() < rate ? 0 : 1 / (1 - rate);
  });
  return factors;
}
