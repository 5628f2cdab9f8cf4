import type { FinetuneOptions } from "../../config/index.ts";
import type { Batch } from "../../data/loader/loader.ts";
import { targetOf } from "../../data/targets/target.ts";
import { mixPatchWeights, mixTargets } from "../../images/mixing/apply.ts";
import type { Mix } from "../../images/mixing/draw.ts";
import { classes } from "../../inference/outcomes/classes.ts";
import { normalizerOf } from "../../inference/session.ts";
import { classTargets, FeedBuilder, weighTargets } from "../../method/feeds.ts";
import { classifierKind } from "../../method/kinds/classifier.ts";
import { attentionCounts, selectFromAttentionOrder } from "../../method/masking/selection.ts";
import { dropPathRates, finetuneGraph, type KeptPatches } from "../../method/models/classifier.ts";
import { type ClassifierConfig, patchCount } from "../../method/models/config.ts";
import { RandomStream } from "../../support/random.ts";
import type { RunContext } from "../definition.ts";
import { MapBank } from "../maps/map-bank.ts";
import { refreshMaps } from "../maps/map-refresh.ts";
import { warnUniform } from "../maps/uniform-warning.ts";
import { measureSplit } from "../measure.ts";
import { classCounts, describeTraining } from "../setup.ts";
import type { Phase, TrainingTask } from "../task.ts";
import { TrainingImages } from "../training-images.ts";
import { batchMixer } from "./batch-mixer.ts";
import { resolveClassWeights } from "./class-weights.ts";

/** Which method a run follows, and what of it was chosen otherwise shows. */
export function recipeOf({ method, maskRatio, throwRatio }: FinetuneOptions): string {
  const kept = Number((100 * (1 - maskRatio - throwRatio)).toFixed(1));
  const patches = kept === 100 ? "all patches" : `${kept} % of the patches, chosen by attention`;
  return `${method.toUpperCase()}, ${patches}`;
}

/** What the loop needs to know of fine-tuning: images masked by their attention, whole ones in the last epochs. */
export function finetuneTask(context: RunContext<FinetuneOptions, ClassifierConfig>): TrainingTask {
  const { options, data, loader, engine, hooks } = context;
  hooks.onEvent?.({ type: "note", message: `fine-tuning by ${recipeOf(options)}` });
  const { config } = context.plan;
  const { classNames, splits } = data.folder;
  const { seed, smoothing, mapInterval, epochs, fullTokenEpochs, batchSize, loss, focalGamma, mapCrop } = options;
  const classWeights = resolveClassWeights(options.classWeights, classCounts(data));
  const counts = attentionCounts(patchCount(config), options);
  const rates = dropPathRates(config.depth, options.dropPath);
  const uniform = warnUniform(hooks);
  const feeds = new FeedBuilder(config, normalizerOf({ ...options, config }));
  const maps = new MapBank(loader.samples.length, patchCount(config), seed, { ...config, mapCrop });
  const images = new TrainingImages(loader, options);

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
  ): Phase => {
    const graph = finetuneGraph(config, {
      batch: batchSize,
      kept,
      dropPathRates: rates,
      focalGamma: loss === "focal" ? (focalGamma ?? 2) : undefined,
    });
    return images.phase(graph, (batch, epoch, batchIndex) => {
      const mixes = mix(batch, epoch, batchIndex);
      return {
        ...pixels(batch, epoch, mixes),
        classTargets: targetsOf(targetOf(batch, "class").labels, mixes),
        ...(options.dropPath > 0 ? { dropPath: drawDropPath(rates, batchSize, seed, epoch, batchIndex) } : {}),
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
    ...(splits.val.length > 0 && {
      async validate() {
        const { metrics } = await measureSplit(context, { outcome: classes, model: data.folder }, "val", "validation");
        return classes.validation(metrics);
      },
    }),
    describe: (epoch, step) => ({
      kind: classifierKind.name,
      config,
      ...describeTraining(options, { classNames, split: data.split }, epoch, step),
    }),
    state: () => maps.state(),
    restore: (state) => maps.restore(state),
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
