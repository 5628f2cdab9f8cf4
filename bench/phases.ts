/** What is timed: a step of a training, or a pass of a finished model. */
export const phases = [
  "finetune",
  "finetune-full",
  "pretrain-attention",
  "pretrain-random",
  "maps",
  "infer-full",
  "infer-masked",
  "segment",
  "infer-segment",
  "train-resnet",
  "train-swin",
] as const;
export type Phase = (typeof phases)[number];

const baseBatches: Record<Phase, number> = {
  finetune: 32,
  "finetune-full": 32,
  "pretrain-attention": 16,
  "pretrain-random": 16,
  maps: 16,
  "infer-full": 16,
  "infer-masked": 16,
  segment: 8,
  "infer-segment": 8,
  "train-resnet": 16,
  "train-swin": 16,
};
/** Phases whose batch is the same for every model. */
const sameBatch: readonly Phase[] = ["segment", "infer-segment", "train-resnet", "train-swin"];
const tinyBatch = 32;

/** The batch that a phase is timed with. */
export const batchOf = (model: string, phase: Phase): number =>
  model === "base" || sameBatch.includes(phase) ? baseBatches[phase] : tinyBatch;

/** Whether a phase trains a network of its own, whatever the vision transformer's size. */
export const isNetwork = (phase: Phase): boolean => phase === "train-resnet" || phase === "train-swin";
