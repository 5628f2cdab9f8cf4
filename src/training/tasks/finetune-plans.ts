import type { FinetuneOptions } from "../../config/index.ts";
import { parameterGroups } from "../../engine/optim/parameter-groups.ts";
import {
  classifierFromPretraining,
  featuresFromEncoder,
  networkFromOthers,
  type WeightMapping,
} from "../../interop/load-weights.ts";
import type { StartingWeights } from "../../interop/starting-weights.ts";
import { classifierKind } from "../../method/kinds/classifier.ts";
import type { NetworkKind } from "../../method/kinds/network.ts";
import { mapReading, modelShape } from "../../method/kinds/shape.ts";
import type { ClassifierConfig, ImageModelConfig } from "../../method/models/config.ts";
import { finetuneGroups } from "../../method/models/parameter-groups.ts";
import type { ModelPlan } from "../definition.ts";
import { peakLr } from "../setup.ts";
import type { TrainingTarget } from "../targets/training-target.ts";

/** What is told of images, as far as a network's head must know it. */
type Told = Pick<TrainingTarget, "outputs">;

const betas = { beta1: 0.9, beta2: 0.999 };

/** A vision transformer with its head, and rates that fall from layer to layer. */
export function transformerPlan(options: FinetuneOptions, { outputs }: Told): ModelPlan<ClassifierConfig> {
  const { weightDecay, layerDecay, globalPool } = options;
  const shape = modelShape(classifierKind, { ...options, numClasses: outputs });
  return {
    kind: classifierKind,
    config: { ...shape, ...mapReading(options), globalPool },
    groups: (trainable) => finetuneGroups(trainable, { depth: shape.depth, weightDecay, layerDecay }),
    lr: peakLr(options),
    optimizer: betas,
    mapping: (start) => mappingFrom(start, options, outputs),
  };
}

/** A network that sees images whole, all of whose tensors learn at one rate. */
export function networkPlan(
  kind: NetworkKind,
  options: FinetuneOptions,
  { outputs }: Told,
): ModelPlan<ImageModelConfig> {
  const { weightDecay } = options;
  return {
    kind,
    config: modelShape(kind, { ...options, numClasses: outputs }),
    groups: (trainable) => parameterGroups(trainable, { weightDecay, decays: kind.decays }),
    lr: peakLr(options),
    optimizer: betas,
    // What our own checkpoints say of themselves says that the head is of these classes too.
    mapping: ({ tensors, description }) =>
      description?.kind === kind.name ? undefined : networkFromOthers(kind, new Set(tensors.keys())),
  };
}

/**
 * A pre-trained checkpoint comes without its decoder and head; another classifier with its own norm and head, save that of
 * another program with a head of other classes.
 */
function mappingFrom(
  { tensors, description }: StartingWeights,
  { globalPool }: Pick<FinetuneOptions, "globalPool">,
  outputs: number,
): WeightMapping | undefined {
  if (description) return description.kind === classifierKind.name ? undefined : classifierFromPretraining(globalPool);
  if (!tensors.has("fc_norm.weight")) return classifierFromPretraining(globalPool);
  const sameHead = globalPool === "avg" && tensors.get("head.weight")?.shape[0] === outputs;
  return sameHead ? undefined : featuresFromEncoder(globalPool);
}
