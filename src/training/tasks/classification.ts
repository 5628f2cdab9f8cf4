import type { FinetuneOptions } from "../../config/index.ts";
import type { Batch } from "../../data/loader/loader.ts";
import { targetOf } from "../../data/targets/target.ts";
import { mixTargets } from "../../images/mixing/apply.ts";
import type { Mix } from "../../images/mixing/draw.ts";
import { classes } from "../../inference/outcomes/classes.ts";
import { classTargets, weighTargets } from "../../method/feeds.ts";
import type { ImageModelConfig } from "../../method/models/config.ts";
import type { RunContext } from "../definition.ts";
import { measureSplit } from "../measure.ts";
import { classCounts, describeTraining } from "../setup.ts";
import type { TrainingTask } from "../task.ts";
import { type BatchMixer, batchMixer } from "./batch-mixer.ts";
import { resolveClassWeights } from "./class-weights.ts";

/** What training a classifier comes to, whatever its network. */
export interface Classification extends Pick<TrainingTask, "validate" | "describe"> {
  mix: BatchMixer;
  /** Targets [batch, classes] of a batch: smoothed, mixed as its images were, and weighed. */
  targetsOf(batch: Batch, mixes: readonly Mix[] | undefined): Float32Array;
  /** The exponent of the focal loss; undefined for the cross-entropy. */
  focalGamma: number | undefined;
}

/** Targets, mixing, validation and what checkpoints say, as the options of fine-tuning ask. */
export function classification(context: RunContext<FinetuneOptions, ImageModelConfig>): Classification {
  const { options, data, plan } = context;
  const { config } = plan;
  const { classNames, splits } = data.folder;
  const { smoothing, loss, focalGamma } = options;
  const classWeights = resolveClassWeights(options.classWeights, classCounts(data));
  return {
    mix: batchMixer(options, config),
    targetsOf(batch, mixes) {
      const smoothed = classTargets(targetOf(batch, "class").labels, config.numClasses, smoothing);
      const mixed = mixes === undefined ? smoothed : mixTargets(smoothed, mixes);
      return classWeights === undefined ? mixed : weighTargets(mixed, classWeights);
    },
    focalGamma: loss === "focal" ? (focalGamma ?? 2) : undefined,
    ...(splits.val.length > 0 && {
      async validate() {
        const { metrics } = await measureSplit(context, { outcome: classes, model: data.folder }, "val", "validation");
        return classes.validation(metrics);
      },
    }),
    describe: (epoch, step) => ({
      kind: plan.kind.name,
      config,
      ...describeTraining(options, { classNames, split: data.split }, epoch, step),
    }),
  };
}
