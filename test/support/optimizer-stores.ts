import { ParameterStore, type StoreOptions, type TensorSpec } from "../../src/engine/parameters/parameter-store.ts";
import { RandomStream } from "../../src/support/random.ts";

/** Tensors whose sizes are smaller than a piece of the optimiser, larger, and odd; one is frozen. */
export const optimizerSpecs: readonly TensorSpec[] = [
  { name: "small", shape: [5], role: "trainable" },
  { name: "frozen", shape: [7], role: "fixed" },
  { name: "large", shape: [3, 20011], role: "trainable" },
  { name: "odd", shape: [1, 16385], role: "trainable" },
];

/** A store of these tensors with drawn values. */
export function filledStore(options: StoreOptions = {}): ParameterStore {
  const store = ParameterStore.create(optimizerSpecs, options);
  const stream = RandomStream.for(3, "initialisation");
  for (const name of store.names) {
    const view = store.parameter(name);
    view.set(view.map(() => stream.normal()));
  }
  return store;
}

/** New gradients of very different sizes. */
export function drawGradients(store: ParameterStore, step: number): void {
  const stream = RandomStream.for(4, "initialisation", step);
  for (const name of store.trainableNames) {
    const size = 10 ** stream.integer(-3, 1);
    const view = store.gradient(name);
    view.set(view.map(() => size * stream.normal()));
  }
}

/** The largest difference, relative to the largest expected value. */
export function largestDifference(a: Float32Array, b: Float64Array): number {
  let largest = 0;
  let scale = 0;
  for (const [i, value] of b.entries()) {
    largest = Math.max(largest, Math.abs((a[i] as number) - value));
    scale = Math.max(scale, Math.abs(value));
  }
  return largest / scale;
}
