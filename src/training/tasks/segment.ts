import { type SegmentInput, type SegmentRequest, verbs } from "../../config/index.ts";
import type { MaskMetrics } from "../../inference/outcomes/masks.ts";
import { masks } from "../../inference/outcomes/masks.ts";
import { segmenterFromEncoder, type WeightMapping } from "../../interop/load-weights.ts";
import type { StartingWeights } from "../../interop/starting-weights.ts";
import { segmenterKind } from "../../method/kinds/segmenter.ts";
import { modelShape } from "../../method/kinds/shape.ts";
import { segmentGroups } from "../../method/models/parameter-groups.ts";
import { defaultTaps, type SegmenterConfig } from "../../method/models/segmenter.ts";
import type { RunHooks } from "../../support/events.ts";
import type { TrainingDefinition } from "../definition.ts";
import { measureRun } from "../measure.ts";
import { cardOf } from "../model-card.ts";
import { runTraining } from "../run-training.ts";
import { maskClassesOf, openMaskedData, outlinedPictures } from "./masked-data.ts";
import { segmentTask } from "./segment-task.ts";

export interface SegmentResult {
  epochs: number;
  /** Means over classes and images of the best checkpoint, on the test split or on the best stand-in for it. */
  dice: number | null;
  iou: number | null;
  /** Path of the best weights. */
  checkpoint: string;
  seconds: number;
}

/**
 * Trains a segmenter on images with masks, each epoch validated on the images' own pixels; the best weights by the
 * intersection over union are then measured on the test split.
 *
 * @throws MsmaeError Config, Data, Checkpoint, Device or NonFiniteLoss; Interrupted when `hooks.signal` stops it, with
 * everything saved. Source: method.md section 6.
 */
export function segment(input: SegmentInput | SegmentRequest, hooks: RunHooks = {}): Promise<SegmentResult> {
  return runTraining(definition, input, hooks);
}

/** The options that the model card names. */
const told = [
  "epochs",
  "batchSize",
  "accumIter",
  "head",
  "headWidth",
  "deepSupervision",
  "loss",
  "optimizer",
  "lr",
  "weightDecay",
  "layerDecay",
  "keepRatio",
  "seed",
] as const;

const definition: TrainingDefinition<typeof verbs.segment, SegmenterConfig, SegmentResult> = {
  verb: verbs.segment,
  open: openMaskedData,
  plan(options, data) {
    const { head, headWidth, deepSupervision, weightDecay, layerDecay, optimizer, lr } = options;
    const shape = modelShape(segmenterKind, { ...options, numClasses: maskClassesOf(data).length });
    const { depth } = shape;
    return {
      kind: segmenterKind,
      config: { ...shape, head, headWidth, taps: defaultTaps(depth), deepSupervision },
      groups: (trainable) => segmentGroups(trainable, { depth, weightDecay, layerDecay, optimizer }),
      lr,
      optimizer: { beta1: 0.9, beta2: 0.999 },
      mapping: mappingFrom,
      loading: { target: { kind: "mask" } },
    };
  },
  task: segmentTask,
  async finish(context, trained) {
    const { options, data, run } = context;
    const model = { classNames: maskClassesOf(data), seed: options.seed };
    const { metrics, split, checkpoint } = await measureRun(context, { outcome: masks(), model }, trained);
    const summary = [
      `Trained to outline for ${options.epochs} epochs with the head ${options.head},`,
      options.init === "checkpoint" ? "from a trained encoder." : "from scratch.",
    ];
    const counts = await outlinedPictures(data, options);
    await run.writeModelCard(cardOf(context, { summary, told, results: resultsOf(metrics, split), counts }));
    const { dice, iou } = metrics;
    return { epochs: trained.epochs, dice, iou, checkpoint, seconds: trained.seconds };
  },
};

/** Encoders of other kinds come without their own heads; another segmenter with its heads. */
function mappingFrom({ tensors, description }: StartingWeights): WeightMapping | undefined {
  const kind = description?.kind;
  const isSegmenter =
    kind === undefined ? segmenterKind.recognises(new Set(tensors.keys())) : kind === segmenterKind.name;
  return isSegmenter ? undefined : segmenterFromEncoder;
}

function resultsOf({ dice, iou }: MaskMetrics, split: string) {
  const result = (name: string, type: string, value: number | null) =>
    value === null ? [] : [{ name, type, value, split }];
  return [...result("Dice", "dice", dice), ...result("Intersection over union", "mean_iou", iou)];
}
