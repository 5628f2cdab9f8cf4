import { type GroupedTensor, type ParameterGroup, parameterGroups } from "../../engine/optim/parameter-groups.ts";

/**
 * Groups of pre-training: one learning rate; weight decay on tensors of rank 2 and more that are no biases, so that
 * `cls_token` and `mask_token` decay.
 *
 * Source: section 4 of the method.
 */
export function pretrainGroups(tensors: Iterable<GroupedTensor>, weightDecay: number): Map<string, ParameterGroup> {
  return parameterGroups(tensors, { weightDecay, decays: (name) => !name.endsWith(".bias") });
}

/** Tokens that never decay in fine-tuning, whatever their rank. */
const WITHOUT_DECAY = new Set(["pos_embed", "cls_token"]);

/**
 * Groups of fine-tuning with layer-wise decay: a tensor of layer `id` learns at `layerDecay^(depth + 1 - id)` of the
 * rate, and weights of rank 2 and more decay except the tokens. `depth` is the number of blocks.
 *
 * Source: section 5 of the method; Clark et al. 2020 (ELECTRA) for layer-wise decay.
 */
export function finetuneGroups(
  tensors: Iterable<GroupedTensor>,
  options: { depth: number; weightDecay: number; layerDecay: number },
): Map<string, ParameterGroup> {
  const { depth, weightDecay, layerDecay } = options;
  return parameterGroups(tensors, {
    weightDecay,
    decays: (name) => !WITHOUT_DECAY.has(name),
    lrScale: (name) => layerDecay ** (depth + 1 - layerIdOf(name, depth)),
  });
}

/**
 * Groups of segmentation: for `adam` an L2 penalty on every tensor, as PyTorch's Adam has it; for `adamw` and the rates of
 * layers as {@link finetuneGroups}.
 *
 * Source: section 6 of the method.
 */
export function segmentGroups(
  tensors: readonly GroupedTensor[],
  options: { depth: number; weightDecay: number; layerDecay: number; optimizer: "adam" | "adamw" },
): Map<string, ParameterGroup> {
  const { optimizer, weightDecay, ...rates } = options;
  if (optimizer === "adamw") return finetuneGroups(tensors, { ...rates, weightDecay });
  const groups = finetuneGroups(tensors, { ...rates, weightDecay: 0 });
  return new Map([...groups].map(([name, group]) => [name, { ...group, l2: weightDecay }]));
}

/** Groups of a linear probe: one learning rate, and a coupled decay of the weight alone, as MAE's LARS has it. */
export function probeGroups(tensors: Iterable<GroupedTensor>, weightDecay: number): Map<string, ParameterGroup> {
  const groups = parameterGroups(tensors, { weightDecay });
  return new Map([...groups].map(([name, group]) => [name, { ...group, weightDecay: 0, l2: group.weightDecay }]));
}

/** The layer of a tensor: 0 for tokens and patch embedding, i + 1 for block i, depth + 1 for what follows the blocks. */
export function layerIdOf(name: string, depth: number): number {
  if (WITHOUT_DECAY.has(name) || name.startsWith("patch_embed")) return 0;
  const block = /^blocks\.(\d+)\./.exec(name);
  return block === null ? depth + 1 : Number(block[1]) + 1;
}
