import {
  type AnyVerb,
  configNotes,
  type InputOf,
  type OptionsOf,
  resolveOptions,
  resolveRun,
} from "../config/index.ts";
import type { ImageModelConfig } from "../method/models/config.ts";
import type { RunHooks } from "../support/events.ts";
import type { TrainingDefinition, TrainingOptionsOf } from "./definition.ts";
import { beginning } from "./recipe.ts";
import { beginOrResume } from "./resume.ts";
import { claimRun, withSession } from "./session.ts";
import { createStore, openData, type RunOptions } from "./setup.ts";
import { loadStart } from "./start.ts";
import { Trainer } from "./trainer.ts";

/**
 * Runs a training verb from its options to its last file: the folder is claimed, data and model made, the loop run in a
 * new run or from where an earlier one stopped.
 *
 * @throws MsmaeError Config, Data, Checkpoint, Device or NonFiniteLoss; Interrupted when `hooks.signal` stops it, with
 * everything saved.
 */
export async function runTraining<V extends AnyVerb, C extends ImageModelConfig, R>(
  definition: TrainingDefinition<V, C, R>,
  input: InputOf<V> | OptionsOf<V>,
  hooks: RunHooks,
): Promise<R> {
  const { verb } = definition;
  // The definition's type holds only for verbs that have what every run needs.
  const request = resolveOptions(verb, input) as OptionsOf<V> &
    Omit<RunOptions, "epochs" | "warmupEpochs" | "mean" | "std">;
  await using folder = await claimRun(verb.name, request, hooks);
  const options = resolveRun(verb, request, await beginning(verb, request, hooks)) as TrainingOptionsOf<V>;
  for (const message of configNotes(verb, options)) hooks.onEvent?.({ type: "warning", message });
  const data = await (definition.open ?? openData)(options, hooks);
  const plan = definition.plan(options, data);
  const specs = plan.kind.specs(plan.config);
  const store = createStore(specs, options);
  if (options.resume === undefined && options.init === "checkpoint") await loadStart(options, plan, store, hooks);
  const state = await beginOrResume(verb.name, options, store, data, folder, hooks);
  const groups = plan.groups(specs.filter(({ role }) => role === "trainable"));
  const records = state.progress.log;
  // Awaited here: the folder is let go where this function ends.
  return await withSession({ verb, options, data, plan, folder, store, groups, records, hooks }, async (session) => {
    const context = { options, data, plan, store, hooks, ...session };
    const task = definition.task(context);
    task.restore?.(state.task);
    const { minLr, warmupEpochs, epochs } = options;
    const loop = { ...options, schedule: { lr: plan.lr, minLr, warmupEpochs, epochs } };
    const { engine, run } = session;
    const trainer = new Trainer({ verb: verb.name, options: loop, task, engine, store, run, hooks }, state.progress);
    return definition.finish(context, await trainer.run());
  });
}
