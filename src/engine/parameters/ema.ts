import type { ParameterStore } from "./parameter-store.ts";

/**
 * Starts the moving average at the present weights. The optimiser keeps it up from then on, in the same pass as the
 * update (`emaDecay` of {@link AdamW.step}).
 *
 * @throws MsmaeError "Config" for a store made without `ema`.
 */
export function startEma(store: ParameterStore): void {
  const averages = store.flat("ema");
  for (const [index, parameters] of store.flat("parameter").entries()) averages[index]?.set(parameters);
  store.changed();
}

/**
 * Runs `use` with the averaged weights in the place of the trained ones; without an average, with those themselves.
 * State, which is an average of its own, stays as it is: PyTorch's AveragedModel copies buffers as well.
 */
export async function withEma<T>(store: ParameterStore, use: () => Promise<T>): Promise<T> {
  if (!store.keeps("ema")) return use();
  exchange(store);
  try {
    return await use();
  } finally {
    exchange(store);
  }
}

function exchange(store: ParameterStore): void {
  const averages = store.flat("ema");
  for (const [index, parameters] of store.flat("parameter").entries()) {
    const average = averages[index] as Float32Array;
    const held = parameters.slice();
    parameters.set(average);
    average.set(held);
  }
  store.changed();
}
