import type { FinetuneOptions } from "../../config/index.ts";
import type { Batch } from "../../data/loader/loader.ts";
import type { Feeds } from "../../engine/runtime/program.ts";
import type { Mix } from "../../images/mixing/draw.ts";
import type { ImageModelConfig } from "../../method/models/config.ts";
import type { RunContext } from "../definition.ts";
import { measureSplit, openValidation } from "../measure.ts";
import { describeTraining } from "../setup.ts";
import { trainingTarget } from "../targets/registry.ts";
import type { TrainingTarget } from "../targets/training-target.ts";
import type { TrainingTask } from "../task.ts";
import { type BatchMixer, batchMixer } from "./batch-mixer.ts";
import { KeptTemperature } from "./kept-temperature.ts";

/** What training a network to tell something of whole images comes to, whatever the network. */
export interface Classification
  extends Pick<TrainingTask, "validate" | "describe">,
    Pick<TrainingTarget, "loss" | "state" | "restore"> {
  mix: BatchMixer;
  /** What the loss is fed of a batch whose images may have been mixed. */
  targetsOf(batch: Batch, mixes: readonly Mix[] | undefined): Feeds;
}

/** Targets, mixing, validation and what checkpoints say, as the options of fine-tuning ask. */
export function classification(context: RunContext<FinetuneOptions, ImageModelConfig>): Classification {
  const { options, data, plan } = context;
  const { config } = plan;
  const target = trainingTarget(options, data);
  const temperature = new KeptTemperature(context, target.outcome.target);
  const validation = openValidation(context, target.validation);
  return {
    mix: batchMixer(options, config),
    targetsOf: target.feeds,
    loss: target.loss,
    state: () => ({ ...target.state(), ...temperature.state() }),
    restore(kept) {
      target.restore(kept);
      temperature.restore(kept);
    },
    ...(validation && {
      async validate() {
        const meaning = { outcome: target.validation, model: target.describe() };
        const { result, metrics } = await measureSplit(context, meaning, validation);
        target.validated(metrics);
        temperature.validated(result, target.describe().classNames);
        return target.validation.validation(metrics);
      },
    }),
    describe(epoch, step, validated) {
      const { classNames, ...told } = target.describe();
      return {
        kind: plan.kind.name,
        config,
        ...describeTraining(options, { classNames, split: data.split }, epoch, step),
        ...told,
        ...(validated && temperature.describe()),
      };
    },
  };
}
