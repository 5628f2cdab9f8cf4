import { realpath } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { dirname, resolve } from "node:path";
import { type AnyVerb, toYaml } from "../config/index.ts";
import { splitCsv } from "../data/dataset.ts";
import { ImageLoader } from "../data/loader/loader.ts";
import type { ParameterGroup } from "../engine/optim/parameter-groups.ts";
import type { ParameterStore } from "../engine/parameters/parameter-store.ts";
import type { Engine } from "../engine/thread/engine.ts";
import { openEngine } from "../engine/thread/node-engine.ts";
import type { ImageModelConfig } from "../method/models/config.ts";
import { MsmaeError } from "../support/errors.ts";
import type { RunHooks } from "../support/events.ts";
import { OutputFolder } from "../support/files/output-folder.ts";
import { type Keep, withResources } from "../support/resources.ts";
import type { ModelPlan } from "./definition.ts";
import type { EpochRecord } from "./records/index.ts";
import { checkpointPath } from "./resume.ts";
import { RunDirectory, trainingRun } from "./run-directory.ts";
import { cacheShares, loadingOf, type RunData, type RunOptions } from "./setup.ts";

/** What a training run holds while it goes on. */
export interface Session {
  /** Absent in a process that writes nothing. */
  run: RunDirectory | undefined;
  /** Of the training images. */
  loader: ImageLoader;
  engine: Engine;
  /** Takes what is to be closed when the run ends. */
  keep: Keep;
}

export interface SessionParts {
  verb: AnyVerb;
  options: RunOptions;
  data: RunData;
  plan: Pick<ModelPlan<ImageModelConfig>, "config" | "optimizer" | "loading">;
  /** Absent in a process that writes nothing. */
  folder: OutputFolder | undefined;
  store: ParameterStore;
  groups: ReadonlyMap<string, ParameterGroup>;
  /** Whether several processes train the model together. */
  shared: boolean;
  /** What the log holds of the epochs before. */
  records: readonly EpochRecord[];
  hooks: RunHooks;
}

/**
 * Takes the output folder for this process: as it is where a run in it goes on, else for a new run.
 *
 * @throws MsmaeError Data when it holds a run or is in use; Config when a run is to go on and be overwritten at once.
 */
export async function claimRun(
  verb: string,
  { outputDir, overwrite, resume }: Pick<RunOptions, "outputDir" | "overwrite" | "resume">,
  { onEvent }: RunHooks,
): Promise<OutputFolder> {
  const continues = resume !== undefined && (await samePlace(dirname(await checkpointPath(resume)), outputDir));
  if (continues && overwrite) {
    throw new MsmaeError("Config", {
      where: "overwrite",
      expected: "a run that goes on in its folder, or a new one in its place",
      got: `--overwrite and --resume of ${outputDir}`,
      todo: "leave out one of them",
    });
  }
  return OutputFolder.claim(outputDir, { verb, kind: trainingRun, overwrite, continues, onEvent });
}

async function samePlace(...paths: [string, string]): Promise<boolean> {
  const [one, other] = await Promise.all(paths.map((path) => realpath(path).catch(() => resolve(path))));
  return one === other;
}

/** Opens the run's records, the loader's and the engine's threads for the work, and closes them whatever happens. */
export function withSession<T>(parts: SessionParts, work: (session: Session) => Promise<T>): Promise<T> {
  const { options, data, plan, folder, hooks } = parts;
  return withResources(async (keep) => {
    const run = folder && keep(await openRun({ ...parts, folder }));
    await run?.write("split.csv", splitCsv(data.whole ?? data.folder));
    const loading = { ...loadingOf(plan.config, options), ...plan.loading, cacheMb: cacheShares(options, data).train };
    const onWarning = (message: string) => hooks.onEvent?.({ type: "warning", message });
    const loader = keep(new ImageLoader(data.folder.splits.train, { ...loading, onWarning }));
    const engine = keep(await startEngine(parts));
    return work({ run, loader, engine, keep });
  });
}

/** Opens the run's records and writes its configuration and environment. */
function openRun({
  verb,
  options,
  data,
  folder,
  records,
  hooks,
}: SessionParts & { folder: OutputFolder }): Promise<RunDirectory> {
  const { seed, device, threads } = options;
  // Given back as --config, a run's options must not replace that run unasked.
  return RunDirectory.open(folder, {
    configYaml: toYaml(verb, { ...options, overwrite: undefined }),
    environment: { seed, device, threads: threads || availableParallelism(), dataHash: data.hash },
    records,
    onWarning: (message) => hooks.onEvent?.({ type: "warning", message }),
  });
}

/** Starts the engine's thread over a store, with the optimiser of the plan. */
async function startEngine({ store, groups, plan, options, shared, hooks }: SessionParts): Promise<Engine> {
  const { threads, device } = options;
  const engine = await openEngine({
    provider: device,
    threads: threads || availableParallelism(),
    store,
    optimizer: { groups, ...plan.optimizer },
    exchanges: shared,
  });
  const { because } = engine.placement;
  if (because) {
    const message = `weights, gradients and moments travel between the host and ${device} at each step: ${because}`;
    hooks.onEvent?.({ type: "note", message });
  }
  return engine;
}
