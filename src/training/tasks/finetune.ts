import { type FinetuneInput, type FinetuneOptions, type FinetuneRequest, verbs } from "../../config/index.ts";
import { classes } from "../../inference/outcomes/classes.ts";
import { classifierFromPretraining, type WeightMapping } from "../../interop/load-weights.ts";
import type { StartingWeights } from "../../interop/starting-weights.ts";
import { classifierKind } from "../../method/kinds/classifier.ts";
import { modelShape } from "../../method/kinds/shape.ts";
import type { ClassifierConfig } from "../../method/models/config.ts";
import { finetuneGroups } from "../../method/models/parameter-groups.ts";
import type { RunHooks } from "../../support/events.ts";
import type { TrainingDefinition } from "../definition.ts";
import { measureRun } from "../measure.ts";
import { cardOf } from "../model-card.ts";
import { runTraining } from "../run-training.ts";
import { classCounts, peakLr } from "../setup.ts";
import { resolveClassWeights } from "./class-weights.ts";
import { classifierResults } from "./classifier-results.ts";
import { finetuneTask, recipeOf } from "./finetune-task.ts";

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

const definition: TrainingDefinition<typeof verbs.finetune, ClassifierConfig, FinetuneResult> = {
  verb: verbs.finetune,
  plan(options, data) {
    // Weights that do not fit the classes are an error before anything is made.
    resolveClassWeights(options.classWeights, classCounts(data));
    const { weightDecay, layerDecay, globalPool } = options;
    const shape = modelShape(classifierKind, { ...options, numClasses: data.folder.classNames.length });
    return {
      kind: classifierKind,
      config: { ...shape, globalPool },
      groups: (trainable) => finetuneGroups(trainable, { depth: shape.depth, weightDecay, layerDecay }),
      lr: peakLr(options),
      optimizer: { beta1: 0.9, beta2: 0.999 },
      mapping: (start) => mappingFrom(start, options),
    };
  },
  task: finetuneTask,
  async finish(context, trained) {
    const { options, data, run } = context;
    const meaning = { outcome: classes, model: data.folder };
    const { metrics, split, checkpoint } = await measureRun(context, meaning, trained);
    const summary = [
      `Fine-tuned for ${options.epochs} epochs: ${recipeOf(options)},`,
      options.init === "checkpoint" ? "from a pre-trained checkpoint." : "from scratch.",
    ];
    await run.writeModelCard(cardOf(context, { summary, told, results: classifierResults(metrics, split) }));
    const { accuracy, f1Macro, aucMacro: auc } = metrics;
    return { epochs: trained.epochs, accuracy, f1Macro, auc, checkpoint, seconds: trained.seconds };
  },
};

/** A pre-trained checkpoint comes without its decoder and head; another classifier with its own norm and head. */
function mappingFrom(
  { tensors, description }: StartingWeights,
  { globalPool }: Pick<FinetuneOptions, "globalPool">,
): WeightMapping | undefined {
  const isClassifier = description ? description.kind === classifierKind.name : tensors.has("fc_norm.weight");
  return isClassifier ? undefined : classifierFromPretraining(globalPool);
}
