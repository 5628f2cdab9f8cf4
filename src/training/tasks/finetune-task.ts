import { type FinetuneOptions, keepStages, recomputes, stageAt } from "../../config/index.ts";
import type { Batch } from "../../data/loader/loader.ts";
import { mixPatchWeights } from "../../images/mixing/apply.ts";
import type { Mix } from "../../images/mixing/draw.ts";
import { normalizerOf } from "../../inference/session.ts";
import { FeedBuilder } from "../../method/feeds.ts";
import { attentionCounts, countsOfShare, type SelectionCounts } from "../../method/masking/selection.ts";
import { dropPathRates, finetuneGraph, type KeptPatches } from "../../method/models/classifier.ts";
import { type ClassifierConfig, patchCount } from "../../method/models/config.ts";
import type { RunContext } from "../definition.ts";
import { GuidedMasking, guidanceOf } from "../maps/guided-masking.ts";
import type { Phase, TrainingTask } from "../task.ts";
import { TrainingImages } from "../training-images.ts";
import { classification } from "./classification.ts";
import { dropPathFeeds } from "./drop-path.ts";

/** Which method a run follows, and what of it was chosen otherwise shows. */
export function recipeOf(options: FinetuneOptions): string {
  const { method = "msmae", maskRatio, throwRatio, keepSchedule } = options;
  const kept = Number((100 * (1 - maskRatio - throwRatio)).toFixed(1));
  const patches = kept === 100 ? "all patches" : `${kept} % of the patches, chosen ${guidanceOf(options)}`;
  const rise = keepSchedule === undefined ? "" : `, rising to all (${keepSchedule})`;
  return `${method.toUpperCase()}, ${patches}${rise}`;
}

/**
 * What the loop needs to know of fine-tuning: images masked by their attention, of which later stages may show more, and
 * whole ones in the last epochs. Each number of patches has one graph, made when its first epoch comes.
 */
export function finetuneTask(context: RunContext<FinetuneOptions, ClassifierConfig>): TrainingTask {
  const { options, loader, engine, store, hooks, ranks } = context;
  hooks.onEvent?.({ type: "note", message: `fine-tuning by ${recipeOf(options)}` });
  const { config } = context.plan;
  const { mapInterval, batchSize } = options;
  const recompute = recomputes(options);
  const { mix, targetsOf, loss, state, restore, ...told } = classification(context);
  const patches = patchCount(config);
  const stages = keepStages(options);
  const first = attentionCounts(patches, options);
  const countsAt = (epoch: number): SelectionCounts => {
    const { share } = stageAt(stages, epoch);
    return share === 1 - options.maskRatio - options.throwRatio ? first : countsOfShare(patches, share, options);
  };
  const rates = dropPathRates(config.depth, options.dropPath);
  const skipped = dropPathFeeds(rates, options);
  const feeds = new FeedBuilder(config, normalizerOf({ ...options, config }));
  const masking = new GuidedMasking({ config, feeds, loader, engine, store, hooks, ranks }, options);
  const images = new TrainingImages(loader, options);

  const weightsOf = (batch: Batch, mixes: readonly Mix[] | undefined) => {
    const own = Array.from(batch.indices, (_, b) => masking.weights(batch, b));
    if (mixes === undefined) return own;
    const size = { width: config.inputWidth, patchSize: config.patchSize };
    return own.map((weights, b) => mixPatchWeights(weights, own.at(-1 - b) as Float32Array, mixes[b] as Mix, size));
  };
  const phase = (
    kept: KeptPatches,
    pixels: (batch: Batch, epoch: number, mixes: readonly Mix[] | undefined) => ReturnType<FeedBuilder["kept"]>,
  ): Phase => {
    const graph = finetuneGraph(config, { batch: batchSize, kept, dropPathRates: rates, loss, recompute });
    return images.phase(graph, (batch, epoch, batchIndex) => {
      const mixes = mix(batch, epoch, batchIndex);
      return {
        ...pixels(batch, epoch, mixes),
        ...targetsOf(batch, mixes),
        ...skipped(epoch, batchIndex),
      };
    });
  };
  const masked = (counts: SelectionCounts) =>
    phase(counts.kept, (batch, epoch, mixes) => {
      const weights = weightsOf(batch, mixes);
      const selections = weights.map((own, b) => masking.select(batch, b, epoch, counts, own));
      return feeds.kept(batch.images, selections);
    });
  const whole = () => phase("all", (batch) => feeds.whole(batch.images, batchSize));
  const phases = new Map<number, Phase>();
  const phaseAt = (epoch: number): Phase => {
    const counts = countsAt(epoch);
    const made = phases.get(counts.kept) ?? (counts.kept === patches ? whole() : masked(counts));
    phases.set(counts.kept, made);
    return made;
  };
  return {
    batchesPerEpoch: images.batchesPerEpoch,
    phase: phaseAt,
    async beforeEpoch(epoch) {
      const counts = countsAt(epoch);
      const { kept } = counts;
      if (options.keepSchedule !== undefined && epoch > 0 && kept !== countsAt(epoch - 1).kept) {
        hooks.onEvent?.({ type: "note", message: `${kept} of ${patches} patches run from epoch ${epoch} on` });
      }
      if (kept < patches) await masking.refresh(epoch % mapInterval === 0, counts);
    },
    ...told,
    state: () => ({ ...masking.state(), ...state() }),
    restore(kept) {
      masking.restore(kept);
      restore(kept);
    },
  };
}
