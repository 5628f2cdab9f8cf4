import {
  type AnyVerb,
  configNotes,
  type InputOf,
  type OptionsOf,
  resolveOptions,
  resolveRun,
} from "../config/index.ts";
import type { ParameterStore } from "../engine/parameters/parameter-store.ts";
import type { ImageModelConfig } from "../method/models/config.ts";
import { first, oneRank, type Ranks } from "../parallel/ranks.ts";
import type { RunHooks } from "../support/events.ts";
import type { OutputFolder } from "../support/files/output-folder.ts";
import { type Keep, withResources } from "../support/resources.ts";
import type { TrainingState } from "./checkpoint.ts";
import type { ModelPlan, TrainingDefinition, TrainingOptionsOf } from "./definition.ts";
import { checkSameData, hooksOf, shareStore, withRanks } from "./ranks.ts";
import { beginning } from "./recipe.ts";
import { beginOrResume } from "./resume.ts";
import { claimRun, withSession } from "./session.ts";
import { createStore, openData, type RunData, type RunOptions } from "./setup.ts";
import { loadStart } from "./start.ts";
import { Trainer } from "./trainer.ts";

/**
 * Runs a training verb from its options to its last file: the folder is claimed, data and model made, the loop run in a
 * new run or from where an earlier one stopped. Several processes that mpirun has started train it together; the first
 * alone reads what is in the run's folder and writes to it.
 *
 * @throws MsmaeError Config, Data, Checkpoint, Device or NonFiniteLoss; Interrupted when `hooks.signal` stops it, with
 * everything saved.
 */
export function runTraining<V extends AnyVerb, C extends ImageModelConfig, R>(
  definition: TrainingDefinition<V, C, R>,
  input: InputOf<V> | OptionsOf<V>,
  hooks: RunHooks,
): Promise<R> {
  return withRanks(definition.verb.name, (ranks) =>
    withResources(async (keep) => {
      const own = hooksOf(ranks, hooks);
      let writer: Writer<V, C> | undefined;
      const { options, state, hash } = await first(ranks, async () => {
        writer = await begin(definition, input, own, keep);
        return { options: writer.options, state: writer.state, hash: writer.data.hash };
      });
      const run = writer ?? (await join(definition, options, own));
      await checkSameData(ranks, run.data.hash, hash);
      await shareStore(ranks, run.store);
      return train(definition, { ...run, options, state, folder: writer?.folder }, ranks, own);
    }),
  );
}

/** What a run consists of, in any of its processes. */
interface Parts<V extends AnyVerb, C extends ImageModelConfig> {
  options: TrainingOptionsOf<V>;
  data: RunData;
  plan: ModelPlan<C>;
  store: ParameterStore;
}

/** The same in the process that writes. */
interface Writer<V extends AnyVerb, C extends ImageModelConfig> extends Parts<V, C> {
  folder: OutputFolder;
  /** Where the run begins. */
  state: TrainingState;
}

/** Makes a run in the process that writes it. */
async function begin<V extends AnyVerb, C extends ImageModelConfig, R>(
  definition: TrainingDefinition<V, C, R>,
  input: InputOf<V> | OptionsOf<V>,
  hooks: RunHooks,
  keep: Keep,
): Promise<Writer<V, C>> {
  const { verb } = definition;
  // The definition's type holds only for verbs that have what every run needs.
  const request = resolveOptions(verb, input) as OptionsOf<V> &
    Omit<RunOptions, "epochs" | "warmupEpochs" | "mean" | "std">;
  const folder = keep(await claimRun(verb.name, request, hooks));
  const options = resolveRun(verb, request, await beginning(verb, request, hooks)) as TrainingOptionsOf<V>;
  for (const message of configNotes(verb, options)) hooks.onEvent?.({ type: "warning", message });
  const parts = await join(definition, options, hooks);
  const { data, plan, store } = parts;
  if (options.resume === undefined && options.init === "checkpoint") await loadStart(options, plan, store, hooks);
  const state = await beginOrResume(verb.name, options, store, data, folder, hooks);
  return { ...parts, folder, state };
}

/** Makes of a run what each of its processes makes for itself. */
async function join<V extends AnyVerb, C extends ImageModelConfig, R>(
  definition: TrainingDefinition<V, C, R>,
  options: TrainingOptionsOf<V>,
  hooks: RunHooks,
): Promise<Parts<V, C>> {
  const data = await (definition.open ?? openData)(options, hooks);
  const plan = definition.plan(options, data);
  return { options, data, plan, store: createStore(plan.kind.specs(plan.config), options) };
}

/** Trains a run to its end, and finishes it in the process that writes. */
function train<V extends AnyVerb, C extends ImageModelConfig, R>(
  definition: TrainingDefinition<V, C, R>,
  parts: Parts<V, C> & { folder: OutputFolder | undefined; state: TrainingState },
  ranks: Ranks,
  hooks: RunHooks,
): Promise<R> {
  const { verb } = definition;
  const { options, data, plan, folder, store, state } = parts;
  const groups = plan.groups(plan.kind.specs(plan.config).filter(({ role }) => role === "trainable"));
  const records = state.progress.log;
  const shared = ranks.size > 1;
  return withSession({ verb, options, data, plan, folder, store, groups, shared, records, hooks }, async (session) => {
    const { run, engine, loader, keep } = session;
    // Processes that work together stop together, after a step: not each amid what they do side by side.
    const context = { options, data, plan, store, engine, loader, ranks, keep };
    const task = definition.task({ ...context, hooks: shared ? { ...hooks, signal: undefined } : hooks });
    task.restore?.(state.task);
    const { minLr, warmupEpochs, epochs } = options;
    const loop = { ...options, schedule: { lr: plan.lr, minLr, warmupEpochs, epochs } };
    const parts = { verb: verb.name, options: loop, task, engine, store, run, hooks, ranks };
    const trained = await new Trainer(parts, state.progress).run();
    return first(ranks, async () => {
      if (!run) throw new Error("the process that writes has no folder to write to");
      return definition.finish({ ...context, hooks, run, ranks: oneRank }, trained);
    });
  });
}
