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
}
