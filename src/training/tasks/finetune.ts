import {
  type FinetuneInput,
  type FinetuneOptions,
  type FinetuneRequest,
  valueColumnsOf,
  verbs,
} from "../../config/index.ts";
import type { Sample } from "../../data/dataset.ts";
import { relabel } from "../../inference/outcomes/classes.ts";
import { networkKindOf } from "../../method/kinds/networks.ts";
import type { ImageModelConfig } from "../../method/models/config.ts";
import type { RunHooks } from "../../support/events.ts";
import type { TrainingDefinition } from "../definition.ts";
import { measureRun } from "../measure.ts";
import { cardOf } from "../model-card.ts";
import { runTraining } from "../run-training.ts";
import { openData, type RunData } from "../setup.ts";
import type { ClassFigures } from "../targets/class-target.ts";
import { trainingTarget } from "../targets/registry.ts";
import { networkPlan, transformerPlan } from "./finetune-plans.ts";
import { finetuneTask, recipeOf } from "./finetune-task.ts";
import { networkTask } from "./network-task.ts";

/** What a run of fine-tuning gives; `F` are the figures of what it was to tell. */
export type FinetuneResult<F extends object = ClassFigures> = F & {
  epochs: number;
  /** Path of the best weights. */
  checkpoint: string;
  seconds: number;
};

/**
 * Fine-tuning with attention-driven masking, or training of another network on whole images. Each epoch is validated on
 * all patches or pixels; the best weights are then measured on the test split.
 *
 * @throws MsmaeError Config, Data, Checkpoint, Device or NonFiniteLoss; Interrupted when `hooks.signal` stops it, with
 * everything saved. Source: method.md section 5.
 */
export async function finetune<F extends object = ClassFigures>(
  input: FinetuneInput | FinetuneRequest,
  hooks: RunHooks = {},
): Promise<FinetuneResult<F>> {
  // What it is to tell, and so which figures, is for the caller to know.
  return (await runTraining(definition, input, hooks)) as FinetuneResult<F>;
}

/** How patches are chosen. */
const masking = [
  ...(["maskRatio", "throwRatio", "mapSource", "mapHeads", "mapBlocks"] as const),
  ...(["attended", "randomShare", "fullTokenEpochs", "keepSchedule"] as const),
] as const;

/** The options that the model card names. */
const told = [
  "method",
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
  ...masking,
  "seed",
] as const;

/** Those that a network has nothing to do with. */
const ofTransformers: readonly string[] = ["method", "layerDecay", ...masking];

const definition: TrainingDefinition<typeof verbs.finetune, ImageModelConfig, FinetuneResult<object>> = {
  verb: verbs.finetune,
  async open(options, hooks) {
    const data = await openData(options, hooks, { values: valueColumnsOf(options) });
    return options.grades === undefined ? data : inOrder(data, options.grades, options.dataPath);
  },
  plan(options, data) {
    const target = trainingTarget(options, data);
    const network = networkKindOf(options.model);
    const plan = network ? networkPlan(network, options, target) : transformerPlan(options, target);
    return { ...plan, loading: target.loading };
  },
  task(context) {
    const network = networkKindOf(context.options.model);
    // Its plan is the one that was made above.
    return network ? networkTask(context, network) : finetuneTask(context as TransformerContext);
  },
  async finish(context, trained) {
    const { options, data, run } = context;
    const target = trainingTarget(options, data);
    const meaning = { outcome: target.outcome, model: target.describe() };
    const { metrics, split, checkpoint } = await measureRun(context, meaning, trained);
    const { counts, output } = target;
    const { figures, results } = target.told(metrics, split);
    await run.writeModelCard(cardOf(context, { ...cardText(options), results, counts, output }));
    return { epochs: trained.epochs, ...figures, checkpoint, seconds: trained.seconds };
  },
};

/** Data whose classes are grades in their order. @throws MsmaeError Data for classes that are none of them. */
function inOrder(data: RunData, grades: readonly string[], dataPath: string): RunData {
  const classNames = [...grades];
  const { train, val, test } = data.folder.splits;
  const ordered = (samples: readonly Sample[]) => relabel(data.folder, samples, { classNames }, dataPath);
  const splits = { train: ordered(train), val: ordered(val), test: ordered(test) };
  return { ...data, folder: { ...data.folder, classNames, splits } };
}

type TransformerContext = Parameters<typeof finetuneTask>[0];

function cardText(options: FinetuneOptions) {
  const { model, epochs, init, dropPath } = options;
  const network = networkKindOf(model);
  if (!network) {
    const start = init === "checkpoint" ? "from a pre-trained checkpoint." : "from scratch.";
    return { summary: [`Fine-tuned for ${epochs} epochs: ${recipeOf(options)},`, start], told };
  }
  const start = init === "checkpoint" ? "from a checkpoint." : "from scratch.";
  return {
    summary: [`Trained for ${epochs} epochs: ${network.title} on whole images,`, start],
    told: told.filter((name) => !ofTransformers.includes(name) && (name !== "dropPath" || dropPath > 0)),
  };
}
