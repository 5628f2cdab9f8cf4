import { basename } from "node:path";
import {
  configNotes,
  type PretrainInput,
  type PretrainOptions,
  type PretrainRequest,
  resolveOptions,
  resolveRun,
  verbs,
} from "../config/index.ts";
import type { Batch } from "../data/loader/loader.ts";
import { targetOf } from "../data/targets/target.ts";
import type { WeightMapping } from "../interop/load-weights.ts";
import type { FeedBuilder } from "../method/feeds.ts";
import { classTargets } from "../method/feeds.ts";
import { pretrainedKind } from "../method/kinds/pretrained.ts";
import { modelShape } from "../method/kinds/shape.ts";
import {
  attentionCounts,
  randomCounts,
  randomOrder,
  type Selection,
  type SelectionCounts,
  selectFromAttentionOrder,
  selectFromRandomOrder,
} from "../method/masking/selection.ts";
import { type MaeConfig, patchCount } from "../method/models/config.ts";
import { maeSpecs, pretrainGraph } from "../method/models/mae.ts";
import { pretrainGroups } from "../method/models/parameter-groups.ts";
import type { RunHooks } from "../support/events.ts";
import { RandomStream } from "../support/random.ts";
import { packageVersion } from "../support/version.ts";
import { MapBank } from "./map-bank.ts";
import { refreshMaps } from "./map-refresh.ts";
import { beginOrResume, optionsAtStart } from "./resume.ts";
import { claimRun, withSession } from "./session.ts";
import * as setup from "./setup.ts";
import { loadStart } from "./start.ts";
import type { Phase, TrainingTask } from "./task.ts";
import { Trainer } from "./trainer.ts";
import { warnUniform } from "./uniform-warning.ts";

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
export async function pretrain(input: PretrainInput | PretrainRequest, hooks: RunHooks = {}): Promise<PretrainResult> {
  const request = resolveOptions(verbs.pretrain, input);
  await using folder = await claimRun("pretrain", request, hooks);
  const options = resolveRun(verbs.pretrain, request, await optionsAtStart(request.resume));
  for (const message of configNotes(verbs.pretrain, options)) hooks.onEvent?.({ type: "warning", message });
  const data = await setup.openData(options, hooks);
  const config: MaeConfig = modelShape(pretrainedKind, { ...options, numClasses: data.folder.classNames.length });
  const specs = maeSpecs(config);
  const store = setup.createStore(specs, options);
  if (options.resume === undefined && options.finetune !== undefined) {
    const { finetune: path, allowPartial } = options;
    await loadStart({ path, allowPartial, config, store, mapping: () => keepDecoderTable, hooks });
  }
  const state = await beginOrResume("pretrain", options, store, data, folder, hooks);
  const groups = pretrainGroups(
    specs.filter((spec) => spec.role === "trainable"),
    options.weightDecay,
  );
  const records = state.progress.log;
  const betas = { beta1: 0.9, beta2: 0.95 };
  const parts = { verb: "pretrain", options, data, config, folder, store, groups, betas, records, hooks } as const;
  // Awaited here: the folder is let go where this function ends.
  return await withSession(parts, async ({ run, loader, engine }) => {
    const maps = new MapBank(loader.samples.length, patchCount(config), options.seed, {
      ...config,
      mapCrop: options.mapCrop,
    });
    if (state.maps) maps.restore(state.maps);
    const feeds = setup.openFeeds(config, options);
    const { batchSize } = options;
    const refresh = () => refreshMaps({ engine, config, feeds, loader, maps, batchSize, hooks });
    const task = pretrainTask({ options, config, feeds, maps, refresh, hooks, data });
    const trainer = new Trainer(
      { options: { ...options, schedule: setup.scheduleOf(options) }, task, engine, store, loader, run, hooks },
      state.progress,
    );
    const { epochs, trainLoss, weights, seconds } = await trainer.run();
    await run.writeJson("metrics.json", { epochs, trainLoss, seconds });
    await run.writeModelCard({
      modelName: options.model,
      kind: pretrainedKind,
      classNames: data.folder.classNames,
      inputSize: [config.inputHeight, config.inputWidth],
      inChans: config.inChans,
      trainingData: { name: basename(options.dataPath), classCounts: setup.classCounts(data) },
      trainingSummary: [`Supervised masked pre-training (MSMAE) for ${epochs} epochs.`],
      hyperparameters: setup.pick(options, told),
      results: [],
      msmaeVersion: packageVersion,
    });
    return { epochs, trainLoss, checkpoint: weights, seconds };
  });
}

/** The options that the model card names. */
const told = [
  "epochs",
  "batchSize",
  "accumIter",
  "blr",
  "weightDecay",
  "maskRatio",
  "throwRatio",
  "attentionStartEpoch",
  "mapCrop",
  "clsLoss",
  "clsLossWeight",
  "normPixLoss",
  "seed",
] as const;

/** What the trainer needs to know of pre-training. */
function pretrainTask(parts: {
  options: PretrainOptions;
  config: MaeConfig;
  feeds: FeedBuilder;
  maps: MapBank;
  refresh(): Promise<void>;
  hooks: RunHooks;
  data: setup.RunData;
}): TrainingTask {
  const { options, config, feeds, maps, refresh, hooks, data } = parts;
  const told = { classNames: data.folder.classNames, split: data.split };
  const { seed, clsLoss, clsLossWeight, normPixLoss, attentionStartEpoch, mapInterval, mapWarmupEpochs } = options;
  const patches = patchCount(config);

  const phase = (counts: SelectionCounts, select: (batch: Batch, b: number, epoch: number) => Selection): Phase => ({
    graph: pretrainGraph(config, { batch: options.batchSize, ...counts, clsLoss, clsLossWeight }),
    feeds(batch, epoch) {
      const selections = Array.from(batch.indices, (_, b) => select(batch, b, epoch));
      const targets = classTargets(targetOf(batch, "class").labels, config.numClasses);
      return { ...feeds.reconstruction(batch.images, selections, normPixLoss, batch.coverages), classTargets: targets };
    },
  });
  const random = randomCounts(patches, options.randomMaskRatio);
  const driven = attentionCounts(patches, options);
  const uniform = warnUniform(hooks);
  const randomPhase = phase(random, (batch, b, epoch) => {
    const stream = RandomStream.for(seed, "masks", epoch, batch.indices[b] as number);
    return selectFromRandomOrder(randomOrder(patches, stream), random);
  });
  const attentionPhase = phase(driven, (batch, b, epoch) => {
    const image = batch.indices[b] as number;
    const weights = maps.weights(image, batch.geometries[b] as Batch["geometries"][number]);
    const drawn = maps.drawOrder(image, weights, epoch);
    if (drawn.uniform) uniform(epoch);
    return selectFromAttentionOrder(drawn.order, driven);
  });
  return {
    verb: "pretrain",
    maps,
    phase: (epoch) => (attentionStartEpoch !== "never" && epoch >= attentionStartEpoch ? attentionPhase : randomPhase),
    // The refresh at the end of an epoch waits for the next one to begin: the last has no use for it, unless the run is
    // made longer later.
    async beforeEpoch(epoch) {
      const ended = epoch - 1;
      const due = ended >= mapWarmupEpochs && ended >= 0 && ended % mapInterval === 0;
      if (due && attentionStartEpoch !== "never") await refresh();
    },
    describe: (epoch, step) => ({
      kind: "pretrained",
      config,
      normPixLoss,
      ...setup.describeTraining(options, told, epoch, step),
    }),
  };
}
