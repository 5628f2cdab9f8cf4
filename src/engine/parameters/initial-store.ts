import { ParameterStore } from "./parameter-store.ts";
import { initialize, type ParameterSpec } from "./specs.ts";
import type { StoreOptions } from "./store-layout.ts";

/** A store of a model's tensors with their first values, drawn from the seed: the same for the same seed everywhere. */
export function initialStore(specs: readonly ParameterSpec[], seed: number, options?: StoreOptions): ParameterStore {
  const store = ParameterStore.create(specs, options);
  for (const spec of specs) initialize(spec, seed, store.parameter(spec.name));
  return store;
}
