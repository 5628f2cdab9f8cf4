import type { FinetuneOptions } from "./finetune.ts";
import type { PretrainOptions } from "./pretrain.ts";

/**
 * A number of epochs of the paper's schedule, scaled to a shorter one and rounded to whole epochs.
 * Longer schedules keep the paper's number: what it buys (a stable start, a useful map) is reached by then.
 */
export function scaledEpochs(paperEpochs: number, paperTotal: number, epochs: number): number {
  return epochs >= paperTotal ? paperEpochs : Math.round((paperEpochs * epochs) / paperTotal);
}

/** The first epoch, from 0, at whose end pre-training refreshes its maps. */
export function firstRefreshEpoch(mapWarmupEpochs: number, mapInterval: number): number {
  return Math.ceil(mapWarmupEpochs / mapInterval) * mapInterval;
}

/** Options that say how long a run and its parts are; one that goes on keeps those that are not given. */
export const lengths = ["epochs", "warmupEpochs", "mapInterval", "mapWarmupEpochs", "attentionStartEpoch"] as const;

/** Fills in the epochs of pre-training's schedule that were not given. */
export function completePretrainSchedule(options: Partial<PretrainOptions>): void {
  options.epochs ??= 300;
  const { epochs } = options;
  options.warmupEpochs ??= scaledEpochs(40, 300, epochs);
  options.mapInterval ??= Math.max(1, scaledEpochs(40, 300, epochs));
  options.mapWarmupEpochs ??= scaledEpochs(40, 300, epochs);
  const start = firstRefreshEpoch(options.mapWarmupEpochs, options.mapInterval) + 1;
  options.attentionStartEpoch ??= start < epochs ? start : "never";
}

/** Fills in the epochs of fine-tuning's schedule that were not given. */
export function completeFinetuneSchedule(options: Partial<FinetuneOptions>): void {
  options.epochs ??= 100;
  const { epochs } = options;
  options.warmupEpochs ??= scaledEpochs(5, 100, epochs);
  options.mapInterval ??= Math.max(1, scaledEpochs(20, 100, epochs));
}
