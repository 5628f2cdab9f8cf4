import type { ParameterStore } from "../engine/parameters/parameter-store.ts";
import { type LoadReport, loadWeights, type WeightMapping } from "../interop/load-weights.ts";
import { readStartingWeights, type StartingWeights } from "../interop/starting-weights.ts";
import type { EncoderConfig } from "../method/models/config.ts";
import type { RunHooks } from "../support/events.ts";

/** Loads the checkpoint a new run starts from. Whatever `allowPartial` left out is told in a warning. */
export async function loadStart(parts: {
  path: string;
  allowPartial: boolean;
  config: EncoderConfig;
  store: ParameterStore;
  /** How the checkpoint's keys become the model's; as they are where it is undefined. */
  mapping(start: StartingWeights): WeightMapping | undefined;
  hooks: RunHooks;
}): Promise<void> {
  const { path, allowPartial, config, store, mapping, hooks } = parts;
  const start = await readStartingWeights(path, config);
  const report = loadWeights(store, start.tensors, { where: path, allowPartial, mapping: mapping(start) });
  const left = leftOut(report);
  if (left.length > 0) hooks.onEvent?.({ type: "warning", message: `${path} fits in part only: ${left.join("; ")}` });
}

function leftOut({ loaded, missing, unexpected, reshaped }: LoadReport): string[] {
  const kinds: [string, string[]][] = [
    ["missing, so drawn from the seed", missing],
    ["unexpected, so left out", unexpected],
    ["of another shape, so drawn from the seed", reshaped.map(({ key }) => key)],
  ];
  const told = kinds
    .filter(([, keys]) => keys.length > 0)
    .map(([kind, keys]) => `${keys.length} ${kind} (${keys.join(", ")})`);
  return told.length > 0 ? [`${loaded.length} loaded`, ...told] : [];
}
