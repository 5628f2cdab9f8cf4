import {
  type PretrainInput,
  type PretrainOptions,
  type PretrainRequest,
  recomputes,
  valueColumnsOf,
  verbs,
} from "../../config/index.ts";
import type { Batch } from "../../data/loader/loader.ts";
import { normalizerOf } from "../../inference/session.ts";
import { pretrainingFromOthers, type WeightMapping } from "../../interop/load-weights.ts";
import { FeedBuilder } from "../../method/feeds.ts";
import { pretrainedKind } from "../../method/kinds/pretrained.ts";
import { mapReading, modelShape } from "../../method/kinds/shape.ts";
import {
  attentionCounts,
  randomCounts,
  randomOrder,
  type Selection,
  type SelectionCounts,
  selectFromRandomOrder,
} from "../../method/masking/selection.ts";
import { type MaeConfig, patchCount } from "../../method/models/config.ts";
import { pretrainGraph } from "../../method/models/mae.ts";
import { pretrainGroups } from "../../method/models/parameter-groups.ts";
import type { RunHooks } from "../../support/events.ts";
import { RandomStream } from "../../support/random.ts";
import type { RunContext, TrainingDefinition } from "../definition.ts";
import { GuidedMasking, guidanceOf } from "../maps/guided-masking.ts";
import { cardOf } from "../model-card.ts";
import { runTraining } from "../run-training.ts";
import { describeTraining, openData, peakLr } from "../setup.ts";
import { type Supervision, supervision } from "../targets/supervision.ts";
import type { TrainingTask } from "../task.ts";
import { TrainingImages } from "../training-images.ts";

export interface PretrainResult {
  epochs: number;
  /** Mean training loss of the last epoch. */
  trainLoss: number;
  /** Path of the last weights. */
  checkpoint: string;
  seconds: number;
}

/** The decoder's position table is computed for the model's own grid; the checkpoint's may be of another. */
const keepDecoderTable: WeightMapping = {
  rename: (key) => (key === "decoder_pos_embed" ? undefined : key),
  fresh: (key) => key === "decoder_pos_embed",
};

/**
 * Supervised masked pre-training: random masking first, then masking driven by the model's own attention.
 *
 * @throws MsmaeError Config, Data, Checkpoint, Device or NonFiniteLoss; Interrupted when `hooks.signal` stops it, with
 * everything saved. Source: method.md section 4.
 */
export function pretrain(input: PretrainInput | PretrainRequest, hooks: RunHooks = {}): Promise<PretrainResult> {
  return runTraining(definition, input, hooks);
}

/** The options that the model card names. */
const told = [
  "method",
  "epochs",
  "batchSize",
  "accumIter",
  "blr",
  "weightDecay",
  "maskRatio",
  "throwRatio",
  "attentionStartEpoch",
  "mapCrop",
  "mapSource",
  "mapHeads",
  "mapBlocks",
  "attended",
  "randomShare",
  "clsLoss",
  "clsLossWeight",
  "normPixLoss",
  "seed",
] as const;

const definition: TrainingDefinition<typeof verbs.pretrain, MaeConfig, PretrainResult> = {
  verb: verbs.pretrain,
  open: (options, hooks) =>
    openData(options, hooks, {
      ...{ oneClass: options.clsLossWeight === 0, supervised: options.clsLossWeight > 0 },
      ...{ values: valueColumnsOf(options), unlabelled: "kept" },
    }),
  plan(options, data) {
    const { outputs, loading } = supervision(options, data);
    return {
      kind: pretrainedKind,
      config: { ...modelShape(pretrainedKind, { ...options, numClasses: outputs }), ...mapReading(options) },
      groups: (trainable) => pretrainGroups(trainable, options.weightDecay),
      lr: peakLr(options),
      optimizer: { beta1: 0.9, beta2: 0.95 },
      mapping: (start) => (start.source ? pretrainingFromOthers(start.tensors) : keepDecoderTable),
      // Targets are normalised by what was measured of their patches.
      loading: { ...loading, coverage: options.normPixLoss },
    };
  },
  task: pretrainTask,
  async finish(context, { epochs, trainLoss, weights, seconds }) {
    const { run, options, data } = context;
    const guide = supervision(options, data);
    await run.writeJson("metrics.json", { epochs, trainLoss, seconds });
    const summary = [`Masked pre-training for ${epochs} epochs: ${recipeOf(options, guide)}.`];
    await run.writeModelCard(cardOf(context, { summary, told, counts: guide.counts }));
    return { epochs, trainLoss, checkpoint: weights, seconds };
  },
};

/** Which method a run follows, and what of it was chosen otherwise shows. */
function recipeOf(options: PretrainOptions, { name }: Pick<Supervision, "name">): string {
  const { method, clsLossWeight, attentionStartEpoch } = options;
  const labels = clsLossWeight > 0 ? `supervised (${name}, weight ${clsLossWeight})` : "without labels";
  const masks =
    attentionStartEpoch === "never" ? "random masks" : `masks ${guidanceOf(options)} from epoch ${attentionStartEpoch}`;
  return `${method.toUpperCase()}, ${labels}, ${masks}`;
}

/** What the loop needs to know of pre-training: random masks first, then masks that follow the attention. */
function pretrainTask(context: RunContext<PretrainOptions, MaeConfig>): TrainingTask {
  const { options, data, loader, engine, store, hooks, ranks } = context;
  const guide = supervision(options, data);
  hooks.onEvent?.({ type: "note", message: `pre-training by ${recipeOf(options, guide)}` });
  const { config } = context.plan;
  const { seed, batchSize, clsLossWeight, normPixLoss, attended } = options;
  const { attentionStartEpoch, mapInterval, mapWarmupEpochs } = options;
  const patches = patchCount(config);
  const recompute = recomputes(options);

  const feeds = new FeedBuilder(config, normalizerOf({ ...options, config }));
  const masking = new GuidedMasking({ config, feeds, loader, engine, store, hooks, ranks }, options);
  const images = new TrainingImages(loader, options);

  const phase = (counts: SelectionCounts, select: (batch: Batch, b: number, epoch: number) => Selection) =>
    images.phase(
      pretrainGraph(config, { batch: batchSize, ...counts, clsLoss: guide.clsLoss, clsLossWeight, recompute }),
      (batch, epoch) => {
        const selections = Array.from(batch.indices, (_, b) => select(batch, b, epoch));
        const painted = feeds.reconstruction(batch.images, selections, normPixLoss, batch.coverages);
        return { ...painted, ...guide.feeds(batch) };
      },
    );
  const random = randomCounts(patches, options.randomMaskRatio);
  const driven = attentionCounts(patches, options);
  const randomPhase = phase(random, (batch, b, epoch) => {
    const stream = RandomStream.for(seed, "masks", epoch, batch.indices[b] as number);
    return selectFromRandomOrder(randomOrder(patches, stream), random);
  });
  const guidedPhase = phase(driven, (batch, b, epoch) =>
    masking.select(batch, b, epoch, driven, masking.weights(batch, b)),
  );
  return {
    batchesPerEpoch: images.batchesPerEpoch,
    phase: (epoch) => (attentionStartEpoch !== "never" && epoch >= attentionStartEpoch ? guidedPhase : randomPhase),
    // The refresh at the end of an epoch waits for the next one to begin: the last has no use for it, unless the run is
    // made longer later.
    async beforeEpoch(epoch) {
      const ended = epoch - 1;
      const due = ended >= mapWarmupEpochs && ended >= 0 && ended % mapInterval === 0;
      if (attentionStartEpoch !== "never") await masking.refresh(due, driven);
    },
    describe(epoch, step) {
      const { classNames, ...target } = guide.description;
      return {
        kind: pretrainedKind.name,
        config,
        normPixLoss,
        ...(attended !== "hide" && { attended }),
        ...describeTraining(options, { classNames, split: data.split }, epoch, step),
        ...target,
      };
    },
    state: () => masking.state(),
    restore: (state) => masking.restore(state),
  };
}
