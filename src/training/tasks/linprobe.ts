import { type LinprobeInput, type LinprobeRequest, verbs } from "../../config/index.ts";
import { lrFromBase } from "../../engine/optim/schedule.ts";
import type { ParameterStore } from "../../engine/parameters/parameter-store.ts";
import { classes } from "../../inference/outcomes/classes.ts";
import { featuresFromEncoder } from "../../interop/load-weights.ts";
import { describeModelFile, writeModelFile } from "../../interop/model-file.ts";
import { requireEncoder } from "../../interop/starting-weights.ts";
import { classifierKind } from "../../method/kinds/classifier.ts";
import { linearProbeKind } from "../../method/kinds/linear-probe.ts";
import { modelShape } from "../../method/kinds/shape.ts";
import { classifierSpecs } from "../../method/models/classifier.ts";
import type { ClassifierConfig } from "../../method/models/config.ts";
import { foldedHead, poolOf } from "../../method/models/linear-probe.ts";
import { probeGroups } from "../../method/models/parameter-groups.ts";
import type { RunHooks } from "../../support/events.ts";
import type { TrainingDefinition } from "../definition.ts";
import { measureRun } from "../measure.ts";
import { cardOf } from "../model-card.ts";
import type { RunDirectory } from "../run-directory.ts";
import { runTraining } from "../run-training.ts";
import { classifierResults } from "./classifier-results.ts";
import { linprobeTask } from "./linprobe-task.ts";
import { IMAGES_PER_RUN } from "./probe-features.ts";

export interface LinprobeResult {
  epochs: number;
  /** Of the best epoch on the test split, or on the best stand-in for it. */
  accuracy: number;
  f1Macro: number;
  /** Mean one-vs-rest AUC; null where no class has both positives and negatives. */
  aucMacro: number | null;
  /** Path of the best weights as a classifier. */
  checkpoint: string;
  seconds: number;
}

/**
 * Trains a linear layer on the features of a frozen encoder; the best weights are then measured on the test split, and
 * written as a classifier that has the normalisation within its head.
 *
 * @throws MsmaeError Config, Data, Checkpoint, Device or NonFiniteLoss; Interrupted when `hooks.signal` stops it, with
 * everything saved. Source: method.md section 5, linear probe.
 */
export function linprobe(input: LinprobeInput | LinprobeRequest, hooks: RunHooks = {}): Promise<LinprobeResult> {
  return runTraining(definition, input, hooks);
}

/**
 * Images per step of MAE's linear probe. PARITY: its rate for them is that of smaller batches too. Scaled down it would leave
 * the weights of a small set near their first values, because LARS moves them by shares of their norm.
 */
const MAE_BATCH = 16_384;

/** The options that the model card names. */
const told = ["epochs", "batchSize", "accumIter", "features", "blr", "weightDecay", "seed"] as const;

const definition: TrainingDefinition<typeof verbs.linprobe, ClassifierConfig, LinprobeResult> = {
  verb: verbs.linprobe,
  plan(options, data) {
    const { folder } = data;
    const shape = modelShape(linearProbeKind, { ...options, numClasses: folder.classNames.length });
    const globalPool = poolOf(options.features);
    return {
      kind: linearProbeKind,
      config: { ...shape, globalPool },
      groups: (trainable) => probeGroups(trainable, options.weightDecay),
      lr: options.lr ?? lrFromBase(options.blr, MAE_BATCH),
      optimizer: { rule: "lars" },
      mapping(start) {
        requireEncoder(options.finetune ?? "", start);
        return featuresFromEncoder(globalPool);
      },
    };
  },
  task: linprobeTask,
  async finish(context, trained) {
    const { options, data, run, store } = context;
    const measured = { ...context, options: { ...options, batchSize: Math.min(options.batchSize, IMAGES_PER_RUN) } };
    const { metrics, split, checkpoint } = await measureRun(
      measured,
      { outcome: classes, model: data.folder },
      trained,
    );
    const classifier = await writeClassifier(run, store, checkpoint);
    const summary = [
      `A linear layer trained for ${options.epochs} epochs on the features of an encoder that stayed as it was`,
      options.init === "checkpoint" ? "in its checkpoint." : "drawn: the measure for trained ones.",
    ];
    await run.writeModelCard(cardOf(context, { summary, told, results: classifierResults(metrics, split) }));
    const { accuracy, f1Macro, aucMacro } = metrics;
    return { epochs: trained.epochs, accuracy, f1Macro, aucMacro, checkpoint: classifier, seconds: trained.seconds };
  },
};

/** Writes the probe that the store holds as a classifier, described as its checkpoint is. @returns the path */
async function writeClassifier(run: RunDirectory, store: ParameterStore, checkpoint: string): Promise<string> {
  const { description } = await describeModelFile(checkpoint);
  const { weight, bias } = foldedHead((key) => store.parameter(key));
  const head: Readonly<Record<string, Float32Array>> = { "head.weight": weight, "head.bias": bias };
  const path = run.path("classifier.safetensors");
  const specs = classifierSpecs(description.config as ClassifierConfig);
  const tensors = specs.map(({ name, shape }) => [name, { data: head[name] ?? store.parameter(name), shape }] as const);
  await writeModelFile(path, { ...description, kind: classifierKind.name }, new Map(tensors));
  return path;
}
