import { withEma } from "../engine/parameters/ema.ts";
import type { ParameterStore } from "../engine/parameters/parameter-store.ts";
import type { RunHooks } from "../support/events.ts";
import { type Progress, saveCheckpoint } from "./checkpoint.ts";
import type { RunDirectory } from "./run-directory.ts";
import type { TrainingTask } from "./task.ts";

/** What a keeper writes, and where. */
export interface KeeperParts {
  task: TrainingTask;
  store: ParameterStore;
  /** Absent in a process that writes nothing, because another of the same run does. */
  run: RunDirectory | undefined;
  hooks: RunHooks;
}

/** What of a training run is written while it goes on: checkpoints, averages, the log. */
export class RunKeeper {
  readonly #parts: KeeperParts;
  #lastCheckpoint: string | undefined;

  /** @param resumed where the run was resumed from. */
  constructor(parts: KeeperParts, resumed: string | undefined) {
    this.#parts = parts;
    this.#lastCheckpoint = resumed;
  }

  /** Path of the checkpoint that was written last, or that the run was resumed from. */
  get lastCheckpoint(): string | undefined {
    return this.#lastCheckpoint;
  }

  /** The run's folder, as the user gave it; empty where nothing is written. */
  get name(): string {
    return this.#parts.run?.name ?? "";
  }

  /** Seconds of the run before this process went on with it. */
  get earlierSeconds(): number {
    return this.#parts.run?.earlierSeconds ?? 0;
  }

  /** Where weights of a name stand; empty where nothing is written. */
  pathOf(name: string): string {
    return this.#parts.run?.path(`${name}.safetensors`) ?? "";
  }

  /** Values of an optimiser step. */
  step(step: number, values: Readonly<Record<string, number>>): void {
    this.#parts.run?.scalars(step, values);
  }

  /** The line of an epoch in the log. */
  async epoch(progress: Progress, train: Record<string, number>, validation?: Record<string, number>): Promise<void> {
    await this.#parts.run?.logEpoch(progress.epoch, progress.step, train, validation);
  }

  /** The weights as they are, of the best validation pass so far. */
  async best({ epoch, step }: Progress): Promise<void> {
    const { run, store, task } = this.#parts;
    if (run) await saveCheckpoint(run.folder, "best", store, task.describe(epoch, step, true), undefined);
  }

  /** The averaged weights. */
  async average({ epoch, step }: Progress): Promise<void> {
    const { run, store, task } = this.#parts;
    if (!run) return;
    const description = task.describe(epoch, step, false);
    await withEma(store, () => saveCheckpoint(run.folder, "ema", store, description, undefined));
  }

  /** Weights with the state to go on from. @param validated whether they are those of the last validation pass. */
  async save(name: string, progress: Progress, validated: boolean): Promise<void> {
    const { run, store, task, hooks } = this.#parts;
    if (!run) return;
    const description = task.describe(progress.epoch, progress.step, validated);
    await run.check();
    await saveCheckpoint(run.folder, name, store, description, {
      progress: { ...progress, log: [...run.records] },
      task: task.state?.() ?? {},
    });
    // What another process goes on with has to be there when the run takes its folder's place.
    if (name === "last") await run.publish();
    const path = run.path(`${name}.safetensors`);
    this.#lastCheckpoint = path;
    hooks.onEvent?.({ type: "checkpoint", path });
  }
}
