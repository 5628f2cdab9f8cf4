import { basename } from "node:path";
import type { Split } from "../data/dataset.ts";
import { relativeName } from "../data/splits/split-table.ts";
import { assess } from "../inference/assess.ts";
import type { Gathered, Outcome } from "../inference/outcomes/outcome.ts";
import { forwardOf, normalizerOf } from "../inference/session.ts";
import { loadWeights } from "../interop/load-weights.ts";
import { readModelFile } from "../interop/model-file.ts";
import type { ImageModelConfig } from "../method/models/config.ts";
import type { FinishContext, RunContext } from "./definition.ts";
import { loadingOf, type RunOptions } from "./setup.ts";
import type { TrainerResult } from "./trainer.ts";

/** What a run's outputs mean, and what is to be known of its model for that. */
export interface Meaning<R extends Gathered, M extends object, D extends object> {
  outcome: Outcome<R, M, D>;
  model: D;
}

/**
 * What a model with the weights as they are says of a split, all patches shown, its metrics, and the paths of images that
 * could not be read.
 *
 * @param name what the phase is called.
 */
export async function measureSplit<
  O extends RunOptions,
  C extends ImageModelConfig,
  R extends Gathered,
  M extends object,
  D extends object,
>(
  { options, plan, data, engine, hooks, ranks }: RunContext<O, C>,
  { outcome, model }: Meaning<R, M, D>,
  split: Split,
  name: string,
): Promise<{ result: R; metrics: M; unreadable: string[] }> {
  const { kind, config } = plan;
  const { batchSize, dataPath } = options;
  const { result, unreadable } = await assess({
    ...{ engine, batchSize, split, name, dataPath, hooks, ranks },
    feeds: kind.feeder(config, normalizerOf({ ...options, config })),
    forward: forwardOf(kind, config, { batchSize }),
    samples: data.folder.splits[split],
    loading: loadingOf(config, options),
    outcome,
    gatherer: outcome.gather(model),
  });
  return { result, metrics: outcome.measure(result, model), unreadable };
}

/**
 * Measures a run's best weights where it has a validation split, else its last ones, on the test split, or on the best
 * stand-in for one that there is; writes metrics.json.
 *
 * @returns the metrics, the split that they are of, and the path of the weights.
 */
export async function measureRun<
  O extends RunOptions,
  C extends ImageModelConfig,
  R extends Gathered,
  M extends object,
  D extends object,
>(
  context: FinishContext<O, C>,
  meaning: Meaning<R, M, D>,
  { epochs, weights, seconds }: TrainerResult,
): Promise<{ metrics: M; split: Split; checkpoint: string }> {
  const { data, store, run, hooks } = context;
  const { splits, root } = data.folder;
  const checkpoint = splits.val.length > 0 ? run.path("best.safetensors") : weights;
  const { tensors, description } = await readModelFile(checkpoint);
  loadWeights(store, tensors, { where: checkpoint });
  // What was chosen on the validation split stands beside the weights.
  const { target, temperature } = description;
  const model = { ...meaning.model, ...(target && { target }), ...(temperature && { temperature }) };
  const chosen = { ...meaning, model };
  const split = (["test", "val", "train"] as const).find((name) => splits[name].length > 0) ?? "train";
  if (split !== "test") {
    hooks.onEvent?.({ type: "warning", message: `there is no test split: the figures are of the ${split} split` });
  }
  const { metrics, unreadable } = await measureSplit(context, chosen, split, "evaluation");
  const skipped = unreadable.map((path) => relativeName(root, path));
  const of = { split, epochs, seconds, checkpoint: basename(checkpoint) };
  await run.writeJson("metrics.json", { ...of, ...metrics, unreadable: skipped });
  return { metrics, split, checkpoint };
}
