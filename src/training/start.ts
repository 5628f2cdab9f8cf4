import type { ParameterStore } from "../engine/parameters/parameter-store.ts";
import { loadLine } from "../interop/load-line.ts";
import { type LoadReport, loadWeights } from "../interop/load-weights.ts";
import { readStartingWeights } from "../interop/starting-weights.ts";
import type { ImageModelConfig } from "../method/models/config.ts";
import type { RunHooks } from "../support/events.ts";
import type { ModelPlan } from "./definition.ts";
import type { RunOptions } from "./setup.ts";

/**
 * Loads the checkpoint a new run starts from, and says in a line what became of it. Whatever `allowPartial` left out is told in a
 * warning.
 */
export async function loadStart(
  options: Pick<
    RunOptions,
    "finetune" | "from" | "allowPartial" | "resizePositions" | "resizePatches" | "mean" | "std"
  >,
  { kind, config, mapping }: Pick<ModelPlan<ImageModelConfig>, "kind" | "config" | "mapping">,
  store: ParameterStore,
  hooks: RunHooks,
): Promise<void> {
  // The options have been checked: a start from a checkpoint names one.
  const path = options.finetune as string;
  const { from, allowPartial, resizePositions, resizePatches } = options;
  const antialias = resizePositions === "bicubic-antialias";
  const start = await readStartingWeights(path, kind.encoder(config), { from, antialias, resizePatches });
  const report = loadWeights(store, start.tensors, { where: path, allowPartial, mapping: mapping(start) });
  hooks.onEvent?.({ type: "note", message: loadLine(path, start, report, options) });
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
