import type { LinprobeOptions } from "../../config/index.ts";
import { batchesPerEpoch } from "../../data/loader/options.ts";
import { epochOrder } from "../../data/loader/sampling.ts";
import { targetOf } from "../../data/targets/target.ts";
import type { Feeds } from "../../engine/runtime/program.ts";
import { keepsImages } from "../../images/augment/plan.ts";
import { type FeatureSet, featuresOf } from "../../inference/features.ts";
import { classes } from "../../inference/outcomes/classes.ts";
import { classTargets } from "../../method/feeds.ts";
import { linearProbeKind } from "../../method/kinds/linear-probe.ts";
import type { ClassifierConfig } from "../../method/models/config.ts";
import { probeTrainingGraph } from "../../method/models/linear-probe.ts";
import { MsmaeError } from "../../support/errors.ts";
import type { RunContext } from "../definition.ts";
import { describeTraining } from "../setup.ts";
import type { Phase, TrainingTask } from "../task.ts";
import { TrainingImages } from "../training-images.ts";
import { KeptTemperature } from "./kept-temperature.ts";
import { ProbeFeatures } from "./probe-features.ts";

/** Steps that an epoch has at least. */
const STEPS = 8;

/**
 * Images per batch: no more than leave some steps for an epoch.
 *
 * @throws MsmaeError Data where there are too few to normalise a batch.
 */
export function probeBatch(images: number, most: number): number {
  if (images >= 2) return Math.max(2, Math.min(most, Math.floor(images / STEPS)));
  throw new MsmaeError("Data", {
    where: "training images",
    expected: "at least two, over which features are normalised",
    got: String(images),
    todo: "add images",
  });
}

/** What the loop needs to know of a linear probe: features, made once where images stay as they are, else in each epoch. */
export function linprobeTask(context: RunContext<LinprobeOptions, ClassifierConfig>): TrainingTask {
  const { options, data, loader, plan } = context;
  const { config } = plan;
  const { classNames, splits } = data.folder;
  const source = new ProbeFeatures(context);
  const temperature = new KeptTemperature(context);
  const images = loader.samples.length;
  const batchSize = probeBatch(images, options.batchSize);
  const graph = probeTrainingGraph({ features: config.embedDim, classes: config.numClasses, batch: batchSize });
  const feedsOf = (features: Float32Array, labels: ArrayLike<number>): Feeds => ({
    features,
    classTargets: classTargets(labels, config.numClasses),
  });
  const once = keepsImages(options, { ...loader.options, ...options });
  const kept = { images, batchSize, seed: options.seed, feedsOf };
  const phase: Phase = once
    ? { graph, batches: keptBatches(() => source.ofSplit("train"), kept) }
    : new TrainingImages(loader, { ...options, batchSize }).phase(graph, async (batch) =>
        feedsOf(await source.ofImages(batch.images), targetOf(batch, "class").labels),
      );
  return {
    batchesPerEpoch: batchesPerEpoch(images, batchSize, true),
    phase: () => phase,
    async beforeEpoch() {
      if (once) await source.ofSplit("train");
    },
    ...(splits.val.length > 0 && {
      async validate() {
        const told = await source.classify(await source.ofSplit("val"));
        temperature.validated(told, classNames);
        return classes.validation(classes.measure(told, { classNames }));
      },
    }),
    describe: (epoch, step, validated) => ({
      kind: linearProbeKind.name,
      config,
      ...describeTraining(options, { classNames, split: data.split }, epoch, step),
      ...(validated && temperature.describe()),
    }),
    state: () => temperature.state(),
    restore: (kept) => temperature.restore(kept),
  };
}

/** Shuffled batches of features that are there; of images that could not be read, others take the places. */
function keptBatches(
  features: () => Promise<FeatureSet>,
  how: {
    images: number;
    batchSize: number;
    seed: number;
    feedsOf(features: Float32Array, labels: readonly number[]): Feeds;
  },
): Phase["batches"] {
  const { images, batchSize, seed, feedsOf } = how;
  return async function* batches(epoch, from) {
    const set = await features();
    const { samples: order } = epochOrder(set.labels, "natural", seed, epoch);
    for (let batch = from; batch < batchesPerEpoch(images, batchSize, true); batch++) {
      const place = (b: number) => (batch * batchSize + b) % order.length;
      const rows = Array.from({ length: batchSize }, (_, b) => order[place(b)] as number);
      const values = new Float32Array(batchSize * set.width);
      for (const [b, row] of rows.entries()) values.set(featuresOf(set, row), b * set.width);
      const labels = rows.map((row) => set.labels[row] as number);
      yield { feeds: feedsOf(values, labels), paths: rows.map((row) => set.paths[row] as string) };
    }
  };
}
