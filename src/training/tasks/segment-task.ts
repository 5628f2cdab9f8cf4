import { recomputes, type SegmentOptions } from "../../config/index.ts";
import type { Batch } from "../../data/loader/loader.ts";
import { targetOf } from "../../data/targets/target.ts";
import { masks } from "../../inference/outcomes/masks.ts";
import { normalizerOf } from "../../inference/session.ts";
import { FeedBuilder, placesOf } from "../../method/feeds.ts";
import { segmenterKind } from "../../method/kinds/segmenter.ts";
import type { Selection } from "../../method/masking/selection.ts";
import { patchCount } from "../../method/models/config.ts";
import { type SegmenterConfig, segmentTrainingGraph } from "../../method/models/segmenter.ts";
import { IGNORED } from "../../support/ignored.ts";
import type { RunContext } from "../definition.ts";
import { GuidedMasking } from "../maps/guided-masking.ts";
import { measureSplit, openValidation } from "../measure.ts";
import { describeTraining } from "../setup.ts";
import type { TrainingTask } from "../task.ts";
import { TrainingImages } from "../training-images.ts";
import { maskClassesOf } from "./masked-data.ts";

/** What the loop needs to know of segmentation: whole images, or under a budget their most attended patches at first. */
export function segmentTask(context: RunContext<SegmentOptions, SegmenterConfig>): TrainingTask {
  const { options, data, loader, engine, store, hooks, ranks } = context;
  const { config } = context.plan;
  const { batchSize, mapInterval, epochs, fullTokenEpochs, keepRatio } = options;
  const { loss, focalGamma: gamma, tversky: [falsePositives, falseNegatives] = [] } = options;
  const classNames = maskClassesOf(data);
  const size = { height: config.inputHeight, width: config.inputWidth };
  const patches = patchCount(config);
  const kept = Math.floor(patches * keepRatio);
  const feeds = new FeedBuilder(config, normalizerOf({ ...options, config }));
  // Who is to outline lesions must see them.
  const policy = { mapSource: "attention", attended: "keep", randomShare: 0 } as const;
  const masking = new GuidedMasking({ config, feeds, loader, engine, store, hooks, ranks }, { ...options, ...policy });
  const images = new TrainingImages(loader, options);
  // What picks the best epoch needs neither, and both take time in every epoch.
  const outcome = masks({ distances: false, intervals: false });
  const validation = openValidation(context, outcome);

  const graphOf = (count: number | "all") =>
    segmentTrainingGraph(config, {
      ...{ batch: batchSize, size, kept: count, loss, recompute: recomputes(options) },
      ...(gamma !== undefined && { gamma }),
      ...(falsePositives !== undefined &&
        falseNegatives !== undefined && { tversky: { falsePositives, falseNegatives } }),
    });
  const counts = { kept, masked: 0, thrown: patches - kept };
  const select = (batch: Batch, epoch: number): Selection[] =>
    Array.from(batch.indices, (_, b) => masking.select(batch, b, epoch, counts, masking.weights(batch, b)));
  const whole = images.phase(graphOf("all"), (batch) => ({
    ...feeds.whole(batch.images, batchSize),
    classes: targetOf(batch, "mask").classes.slice(),
  }));
  const budgetedFeeds = (batch: Batch, epoch: number) => {
    const selections = select(batch, epoch);
    const classes = targetOf(batch, "mask").classes.slice();
    ignoreThrown(classes, selections, { width: size.width, patchSize: config.patchSize });
    return { ...feeds.kept(batch.images, selections), places: placesOf(selections, patches), classes };
  };
  const budgeted = kept === patches ? whole : images.phase(graphOf(kept), budgetedFeeds);
  const runsWhole = (epoch: number) => budgeted === whole || epoch >= epochs - fullTokenEpochs;
  return {
    batchesPerEpoch: images.batchesPerEpoch,
    phase: (epoch) => (runsWhole(epoch) ? whole : budgeted),
    async beforeEpoch(epoch) {
      if (!runsWhole(epoch)) await masking.refresh(epoch % mapInterval === 0, counts);
    },
    ...(validation && {
      async validate() {
        const meaning = { outcome, model: { classNames, seed: options.seed } };
        const { metrics } = await measureSplit(context, meaning, validation);
        return outcome.validation(metrics);
      },
    }),
    describe: (epoch, step) => ({
      kind: segmenterKind.name,
      config,
      ...describeTraining(options, { classNames, split: data.split }, epoch, step),
    }),
    ...(kept < patches && { state: () => masking.state(), restore: (state) => masking.restore(state) }),
  };
}

/** Leaves the pixels of patches that do not run out of the loss. @param classes uint8 [batch, height, width]. */
function ignoreThrown(
  classes: Uint8Array,
  selections: readonly Selection[],
  { width, patchSize }: { width: number; patchSize: number },
): void {
  const area = classes.length / selections.length;
  const columns = width / patchSize;
  for (const [b, { thrown }] of selections.entries()) {
    for (const patch of thrown) {
      const top = Math.floor(patch / columns) * patchSize;
      const left = (patch % columns) * patchSize;
      for (let y = top; y < top + patchSize; y++) {
        const from = b * area + y * width + left;
        classes.fill(IGNORED, from, from + patchSize);
      }
    }
  }
}
