import { type GradientOptions, gradients } from "../autodiff/gradients.ts";
import { storeOutputName } from "../graph/output-names.ts";
import type { Value } from "../graph/types.ts";
import type { ModelInputs, ParameterSpec } from "./specs.ts";

/** How a training graph's derivative comes by what the forward pass made. */
export interface Remembering {
  /**
   * Keep no more of a block than what goes into it (`Parameters.startBlock`), and compute the rest anew; of the last one
   * all is kept. Less memory for more time, and the same gradients. Default: false.
   */
  recompute?: boolean | undefined;
}

/**
 * What a training graph gives beside its loss: the gradient of every trainable tensor, as `grad/<key>`, and the next
 * value of every state tensor that the forward pass updated, as `state/<key>`.
 */
export function trainingOutputs(
  loss: Value,
  p: ModelInputs,
  { recompute = false }: Remembering = {},
): Record<string, Value> {
  const updates = Array.from(p.updates, ([key, value]) => [storeOutputName("state", key), value] as const);
  const blockStarts = recompute ? p.blockStarts : [];
  return { ...gradientOutputs(loss, p.specs, p, { blockStarts }), ...Object.fromEntries(updates) };
}

/** Gradients of the loss for every trainable tensor, as named graph outputs. */
export function gradientOutputs(
  loss: Value,
  specs: readonly ParameterSpec[],
  p: (key: string) => Value,
  options: GradientOptions = {},
): Record<string, Value> {
  const trainable = specs.filter(({ role }) => role === "trainable").map(({ name }) => name);
  const derivatives = gradients(loss, trainable.map(p), options);
  return Object.fromEntries(trainable.map((name, i) => [storeOutputName("gradient", name), derivatives[i] as Value]));
}
