import { basename } from "node:path";
import {
  configNotes,
  type FinetuneInput,
  type FinetuneOptions,
  type FinetuneRequest,
  resolveOptions,
  resolveRun,
  verbs,
} from "../config/index.ts";
import type { Split } from "../data/dataset.ts";
import { relativeName } from "../data/splits/split-table.ts";
import { assess } from "../inference/assess.ts";
import { classes } from "../inference/outcomes/classes.ts";
import { forwardOf } from "../inference/session.ts";
import { classifierFromPretraining, loadWeights, type WeightMapping } from "../interop/load-weights.ts";
import { readModelFile } from "../interop/model-file.ts";
import type { StartingWeights } from "../interop/starting-weights.ts";
import { classifierKind } from "../method/kinds/classifier.ts";
import { modelShape } from "../method/kinds/shape.ts";
import { classifierSpecs } from "../method/models/classifier.ts";
import { type ClassifierConfig, patchCount } from "../method/models/config.ts";
import { finetuneGroups } from "../method/models/parameter-groups.ts";
import type { ClassificationMetrics } from "../results/metrics/index.ts";
import type { RunHooks } from "../support/events.ts";
import { packageVersion } from "../support/version.ts";
import { resolveClassWeights } from "./class-weights.ts";
import { finetuneTask } from "./finetune-task.ts";
import { MapBank } from "./map-bank.ts";
import { beginOrResume, optionsAtStart } from "./resume.ts";
import type { RunDirectory } from "./run-directory.ts";
import { claimRun, withSession } from "./session.ts";
import * as setup from "./setup.ts";
import { loadStart } from "./start.ts";
import { Trainer } from "./trainer.ts";

export interface FinetuneResult {
  epochs: number;
  /** Of the best checkpoint on the test split, or on the validation split where there is no test split. */
  accuracy: number;
  f1Macro: number;
  /** Mean one-vs-rest AUC; null where no class has both positives and negatives. */
  auc: number | null;
  /** Path of the best weights. */
  checkpoint: string;
  seconds: number;
}

/**
 * Fine-tuning with attention-driven masking, each epoch validated on all patches; the best weights are then measured
 * on the test split.
 *
 * @throws MsmaeError Config, Data, Checkpoint, Device or NonFiniteLoss; Interrupted when `hooks.signal` stops it, with
 * everything saved. Source: method.md section 5.
 */
export async function finetune(input: FinetuneInput | FinetuneRequest, hooks: RunHooks = {}): Promise<FinetuneResult> {
  const request = resolveOptions(verbs.finetune, input);
  await using folder = await claimRun("finetune", request, hooks);
  const options = resolveRun(verbs.finetune, request, await optionsAtStart(request.resume));
  for (const message of configNotes(verbs.finetune, options)) hooks.onEvent?.({ type: "warning", message });
  const data = await setup.openData(options, hooks);
  const { classNames, splits } = data.folder;
  const shape = modelShape(classifierKind, { ...options, numClasses: classNames.length });
  const config: ClassifierConfig = { ...shape, globalPool: options.globalPool };
  const classWeights = resolveClassWeights(options.classWeights, setup.classCounts(data));
  const specs = classifierSpecs(config);
  const store = setup.createStore(specs, options);
  if (options.resume === undefined && options.init === "checkpoint") {
    const mapping = (start: StartingWeights) => mappingFrom(start, options);
    await loadStart({
      path: options.finetune as string,
      allowPartial: options.allowPartial,
      config,
      store,
      mapping,
      hooks,
    });
  }
  const state = await beginOrResume("finetune", options, store, data, folder, hooks);
  const groups = finetuneGroups(
    specs.filter((spec) => spec.role === "trainable"),
    { depth: config.depth, weightDecay: options.weightDecay, layerDecay: options.layerDecay },
  );
  const feeds = setup.openFeeds(config, options);
  const records = state.progress.log;
  const betas = { beta1: 0.9, beta2: 0.999 };
  const parts = { verb: "finetune", options, data, config, folder, store, groups, betas, records, hooks } as const;
  // Awaited here: the folder is let go where this function ends.
  return await withSession(parts, async ({ run, loader, engine }) => {
    const measure = async (split: Split, name: string) => {
      const { batchSize, dataPath } = options;
      const { result, unreadable } = await assess({
        ...{ engine, feeds, batchSize, split, name, dataPath, hooks },
        graph: forwardOf(classifierKind, config, batchSize),
        samples: splits[split],
        loading: setup.loadingOf(config, options),
        gatherer: classes.gather({ classNames }),
      });
      return { metrics: classes.measure(result, { classNames }), unreadable };
    };
    const maps = new MapBank(loader.samples.length, patchCount(config), options.seed, {
      ...config,
      mapCrop: options.mapCrop,
    });
    if (state.maps) maps.restore(state.maps);
    const { split } = data;
    const task = finetuneTask({ options, config, feeds, maps, engine, loader, hooks, classNames, split, classWeights });
    if (splits.val.length > 0) {
      task.validate = async () => classes.validation((await measure("val", "validation")).metrics);
    }
    const trainer = new Trainer(
      { options: { ...options, schedule: setup.scheduleOf(options) }, task, engine, store, loader, run, hooks },
      state.progress,
    );
    const { epochs, weights, seconds } = await trainer.run();
    const checkpoint = splits.val.length > 0 ? run.path("best.safetensors") : weights;
    loadWeights(store, (await readModelFile(checkpoint)).tensors, { where: checkpoint });
    const measured = (["test", "val", "train"] as const).find((name) => splits[name].length > 0) ?? "train";
    if (measured !== "test") {
      hooks.onEvent?.({ type: "warning", message: `there is no test split: the figures are of the ${measured} split` });
    }
    const { metrics, unreadable } = await measure(measured, "evaluation");
    await run.writeJson("metrics.json", {
      split: measured,
      epochs,
      seconds,
      checkpoint: basename(checkpoint),
      ...metrics,
      unreadable: unreadable.map((path) => relativeName(data.folder.root, path)),
    });
    await writeCard(run, options, config, data, measured, metrics);
    return { epochs, accuracy: metrics.accuracy, f1Macro: metrics.f1Macro, auc: metrics.aucMacro, checkpoint, seconds };
  });
}

/** A pre-trained checkpoint comes without its decoder and head; another classifier with its own norm and head. */
function mappingFrom(
  { tensors, description }: StartingWeights,
  { globalPool }: FinetuneOptions,
): WeightMapping | undefined {
  const isClassifier = description ? description.kind === "classifier" : tensors.has("fc_norm.weight");
  return isClassifier ? undefined : classifierFromPretraining(globalPool);
}

/** The options that the model card names. */
const told = [
  "epochs",
  "batchSize",
  "accumIter",
  "blr",
  "weightDecay",
  "layerDecay",
  "dropPath",
  "smoothing",
  "mixup",
  "cutmix",
  "sampling",
  "classWeights",
  "loss",
  "maskRatio",
  "throwRatio",
  "fullTokenEpochs",
  "seed",
] as const;

async function writeCard(
  run: RunDirectory,
  options: FinetuneOptions,
  config: ClassifierConfig,
  data: setup.RunData,
  split: string,
  metrics: ClassificationMetrics,
): Promise<void> {
  const result = (name: string, type: string, value: number | null) =>
    value === null ? [] : [{ name, type, value, split }];
  await run.writeModelCard({
    modelName: options.model,
    kind: classifierKind,
    classNames: data.folder.classNames,
    inputSize: [config.inputHeight, config.inputWidth],
    inChans: config.inChans,
    trainingData: { name: basename(options.dataPath), classCounts: setup.classCounts(data) },
    trainingSummary: [
      `Fine-tuned for ${options.epochs} epochs with attention-driven masking (MSMAE),`,
      options.init === "checkpoint" ? "from a pre-trained checkpoint." : "from scratch.",
    ],
    hyperparameters: setup.pick(options, told),
    results: [
      ...result("Accuracy", "accuracy", metrics.accuracy),
      ...result("Macro F1", "f1", metrics.f1Macro),
      ...result("Mean one-vs-rest AUC", "roc_auc", metrics.aucMacro),
    ],
    msmaeVersion: packageVersion,
  });
}
