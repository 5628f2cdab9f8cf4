import type { Batch, ImageLoader } from "../data/loader/loader.ts";
import { batchesPerEpoch, type Share } from "../data/loader/options.ts";
import type { Sampling } from "../data/loader/sampling.ts";
import type { Graph } from "../engine/graph/graph.ts";
import type { Feeds } from "../engine/runtime/program.ts";
import { type CropRange, PAPER_CROP } from "../geometry/random-geometry.ts";
import { type AugmentationOptions, type AugmentationPlan, augmentationPlan } from "../images/augment/plan.ts";
import { MsmaeError } from "../support/errors.ts";
import type { Phase } from "./task.ts";

/** How training images are drawn; units as in the configuration. */
export interface TrainingImagesOptions extends AugmentationOptions {
  seed: number;
  batchSize: number;
  cropMinScale: number;
  /** Per channel, on pixels scaled to [0, 1]. */
  mean: readonly number[];
  std: readonly number[];
  sampling?: Sampling;
}

/** Training images as phases take them: shuffled, cropped and augmented anew in each epoch, in full batches. */
export class TrainingImages {
  readonly batchesPerEpoch: number;
  readonly #loader: ImageLoader;
  readonly #options: TrainingImagesOptions;
  readonly #augmentation: AugmentationPlan | undefined;

  /** @throws MsmaeError Config where there are too few images for a batch. */
  constructor(loader: ImageLoader, options: TrainingImagesOptions) {
    const { batchSize, mean, std } = options;
    this.#loader = loader;
    this.#options = options;
    this.#augmentation = augmentationPlan(options, { ...loader.options, mean, std });
    this.batchesPerEpoch = batchesPerEpoch(loader.samples.length, batchSize, true);
    if (this.batchesPerEpoch > 0) return;
    throw new MsmaeError("Config", {
      where: "--batch-size",
      expected: `at most the ${loader.samples.length} training images`,
      got: String(batchSize),
      todo: "lower --batch-size or add images",
    });
  }

  /**
   * A phase that runs a graph over these images.
   *
   * @param feeds what the graph is fed for a batch; `batchIndex` counts within the epoch.
   */
  phase(graph: Graph, feeds: (batch: Batch, epoch: number, batchIndex: number) => Feeds | Promise<Feeds>): Phase {
    const drawn = (epoch: number, from: number, share?: Share) => this.#epoch(epoch, from, share);
    return {
      graph,
      async *batches(epoch, from, share) {
        for await (const batch of drawn(epoch, from, share)) {
          const fed = await feeds(batch, epoch, batch.batch);
          batch.release();
          yield { feeds: fed, paths: batch.paths };
        }
      },
    };
  }

  #epoch(epoch: number, startBatch: number, share: Share | undefined): AsyncGenerator<Batch, void> {
    const { seed, batchSize, sampling, cropMinScale } = this.#options;
    const crop: CropRange = { ...PAPER_CROP, scale: [cropMinScale, PAPER_CROP.scale[1]] };
    const images = { crop, plan: this.#augmentation, augment: true, shuffle: true, dropLast: true };
    return this.#loader.epoch({ epoch, seed, batchSize, sampling, startBatch, share, ...images });
  }
}
