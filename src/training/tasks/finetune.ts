import { type FinetuneInput, type FinetuneOptions, type FinetuneRequest, verbs } from "../../config/index.ts";
import { classes } from "../../inference/outcomes/classes.ts";
import { networkKindOf } from "../../method/kinds/networks.ts";
import type { ImageModelConfig } from "../../method/models/config.ts";
import type { RunHooks } from "../../support/events.ts";
import type { TrainingDefinition } from "../definition.ts";
import { measureRun } from "../measure.ts";
import { cardOf } from "../model-card.ts";
import { runTraining } from "../run-training.ts";
import { classCounts } from "../setup.ts";
import { resolveClassWeights } from "./class-weights.ts";
import { classifierResults } from "./classifier-results.ts";
import { networkPlan, transformerPlan } from "./finetune-plans.ts";
import { finetuneTask, recipeOf } from "./finetune-task.ts";
import { networkTask } from "./network-task.ts";

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
 * Fine-tuning with attention-driven masking, or training of another network on whole images. Each epoch is validated on
 * all patches or pixels; the best weights are then measured on the test split.
 *
 * @throws MsmaeError Config, Data, Checkpoint, Device or NonFiniteLoss; Interrupted when `hooks.signal` stops it, with
 * everything saved. Source: method.md section 5.
 */
export function finetune(input: FinetuneInput | FinetuneRequest, hooks: RunHooks = {}): Promise<FinetuneResult> {
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

/** Those that a network has nothing to do with. */
const ofTransformers: readonly string[] = ["method", "layerDecay", "maskRatio", "throwRatio", "fullTokenEpochs"];

const definition: TrainingDefinition<typeof verbs.finetune, ImageModelConfig, FinetuneResult> = {
  verb: verbs.finetune,
  plan(options, data) {
    // Weights that do not fit the classes are an error before anything is made.
    resolveClassWeights(options.classWeights, classCounts(data));
    const network = networkKindOf(options.model);
    return network ? networkPlan(network, options, data) : transformerPlan(options, data);
  },
  task(context) {
    const network = networkKindOf(context.options.model);
    // Its plan is the one that was made above.
    return network ? networkTask(context, network) : finetuneTask(context as TransformerContext);
  },
  async finish(context, trained) {
    const { options, data, run } = context;
    const meaning = { outcome: classes, model: data.folder };
    const { metrics, split, checkpoint } = await measureRun(context, meaning, trained);
    await run.writeModelCard(cardOf(context, { ...cardText(options), results: classifierResults(metrics, split) }));
    const { accuracy, f1Macro, aucMacro: auc } = metrics;
    return { epochs: trained.epochs, accuracy, f1Macro, auc, checkpoint, seconds: trained.seconds };
  },
};

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
