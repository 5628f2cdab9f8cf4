import { basename } from "node:path";
import type { Split } from "../data/dataset.ts";
import type { ImageLoader } from "../data/loader/loader.ts";
import { relativeName } from "../data/splits/split-table.ts";
import { assess, openSamples } from "../inference/assess.ts";
import type { Gathered, Outcome } from "../inference/outcomes/outcome.ts";
import { forwardOf, normalizerOf } from "../inference/session.ts";
import { loadWeights } from "../interop/load-weights.ts";
import { readModelFile } from "../interop/model-file.ts";
import type { ImageModelConfig } from "../method/models/config.ts";
import type { FinishContext, RunContext } from "./definition.ts";
import { cacheShares, loadingOf, type RunOptions } from "./setup.ts";
import type { TrainerResult } from "./trainer.ts";

/** What a run's outputs mean, and what is to be known of its model for that. */
export interface Meaning<R extends Gathered, M extends object, D extends object> {
  outcome: Outcome<R, M, D>;
  model: D;
}

/** Images that a model is measured by. */
export interface Measured {
  loader: ImageLoader;
  split: Split;
  /** What the phase is called. */
  name: string;
}

/** Opens the images of a split to measure by them. @param cacheMb as for {@link openSamples} */
export function openSplit<O extends RunOptions, C extends ImageModelConfig>(
  { options, plan, data, hooks }: Pick<RunContext<O, C>, "options" | "plan" | "data" | "hooks">,
  outcome: Pick<Outcome<Gathered, object, never>, "target">,
  split: Split,
  cacheMb?: number,
): ImageLoader {
  return openSamples(data.folder.splits[split], { loading: loadingOf(plan.config, options), outcome, hooks, cacheMb });
}

/** The validation images as each epoch looks at them, kept in memory as training's are; undefined where there are none. */
export function openValidation<O extends RunOptions, C extends ImageModelConfig>(
  context: RunContext<O, C>,
  outcome: Pick<Outcome<Gathered, object, never>, "target">,
): Measured | undefined {
  const { keep, data, options } = context;
  if (data.folder.splits.val.length === 0) return undefined;
  const loader = keep(openSplit(context, outcome, "val", cacheShares(options, data).val));
  return { loader, split: "val", name: "validation" };
}

/**
 * What a model with the weights as they are says of a split's images, all patches shown, its metrics, and the paths of images
 * that could not be read.
 */
export async function measureSplit<
  O extends RunOptions,
  C extends ImageModelConfig,
  R extends Gathered,
  M extends object,
  D extends object,
>(
  { options, plan, engine, hooks, ranks }: RunContext<O, C>,
  { outcome, model }: Meaning<R, M, D>,
  { loader, split, name }: Measured,
): Promise<{ result: R; metrics: M; unreadable: string[] }> {
  const { kind, config } = plan;
  const { batchSize, dataPath } = options;
  const { result, unreadable } = await assess({
    ...{ engine, batchSize, loader, split, name, dataPath, hooks, ranks },
    feeds: kind.feeder(config, normalizerOf({ ...options, config })),
    forward: forwardOf(kind, config, { batchSize }),
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
  await using loader = openSplit(context, chosen.outcome, split);
  const { metrics, unreadable } = await measureSplit(context, chosen, { loader, split, name: "evaluation" });
  const skipped = unreadable.map((path) => relativeName(root, path));
  const of = { split, epochs, seconds, checkpoint: basename(checkpoint) };
  await run.writeJson("metrics.json", { ...of, ...metrics, unreadable: skipped });
  return { metrics, split, checkpoint };
}
