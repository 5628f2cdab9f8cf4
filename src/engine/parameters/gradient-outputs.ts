import type { Value } from "../graph/types.ts";
import type { ParameterSpec, Parameters } from "./specs.ts";

/** The output under which a tensor's gradient leaves a graph. */
export const gradientName = (key: string): string => `grad/${key}`;

/** Gradients of the loss for every trainable tensor, as named graph outputs. */
export function gradientOutputs(
  loss: Value,
  specs: readonly ParameterSpec[],
  p: Parameters,
  gradients: (loss: Value, wrt: readonly Value[]) => Value[],
): Record<string, Value> {
  const trainable = specs.filter((spec) => spec.trainable).map(({ name }) => name);
  const derivatives = gradients(loss, trainable.map(p));
  return Object.fromEntries(trainable.map((name, i) => [gradientName(name), derivatives[i] as Value]));
}
