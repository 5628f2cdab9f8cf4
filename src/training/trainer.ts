import { inInt8 } from "../engine/graph/passes/in-int8.ts";
import { lrAt, type WarmupCosine } from "../engine/optim/schedule.ts";
import { withEma } from "../engine/parameters/ema.ts";
import type { ParameterStore } from "../engine/parameters/parameter-store.ts";
import type { TrainResult, Update } from "../engine/thread/core.ts";
import type { Engine } from "../engine/thread/engine.ts";
import { MsmaeError } from "../support/errors.ts";
import type { RunHooks } from "../support/events.ts";
import { type Progress, saveCheckpoint } from "./checkpoint.ts";
import type { RunDirectory } from "./run-directory.ts";
import type { Phase, TrainingTask } from "./task.ts";

/** The options that the loop itself reads; units as in the configuration. */
export interface TrainerOptions {
  epochs: number;
  batchSize: number;
  accumIter: number;
  clipGrad?: number;
  emaDecay?: number;
  saveEvery: number;
  /** Where the run was resumed from. */
  resume?: string;
  schedule: WarmupCosine;
}

export interface TrainerParts {
  /** What the run is called. */
  verb: string;
  options: TrainerOptions;
  task: TrainingTask;
  engine: Engine;
  store: ParameterStore;
  run: RunDirectory;
  hooks: RunHooks;
}

export interface TrainerResult {
  epochs: number;
  /** Mean loss of the last epoch. */
  trainLoss: number;
  /** Path of the last weights, averaged ones where an average is kept. */
  weights: string;
  /** Over all parts of a resumed run, as far as its log tells. */
  seconds: number;
}

/** Seconds of an epoch, by what they were spent on. */
interface Timing {
  started: number;
  data: number;
  step: number;
  optimizer: number;
}

/**
 * The training loop: epochs, gradient accumulation, schedule, log, checkpoints, stopping and going on. While the
 * engine's thread runs a step, this thread prepares the next batch.
 */
export class Trainer {
  readonly #parts: TrainerParts;
  readonly #progress: Progress;
  readonly #updatesPerEpoch: number;
  readonly #started = performance.now();
  #loaded: Phase | undefined;
  #lastCheckpoint: string | undefined;
  /** Whether the weights are those of the last validation pass. */
  #validated: boolean;

  /** `progress` is where to begin: a fresh one, or that of the run resumed from `parts.options.resume`. */
  constructor(parts: TrainerParts, progress: Progress) {
    this.#parts = parts;
    this.#progress = progress;
    this.#lastCheckpoint = parts.options.resume;
    this.#validated = progress.epoch > 0 && progress.batch === 0 && parts.options.emaDecay === undefined;
    this.#updatesPerEpoch = Math.ceil(parts.task.batchesPerEpoch / parts.options.accumIter);
  }

  /** Trains to the last epoch. @throws MsmaeError Interrupted, with everything saved, when the signal asks to stop. */
  async run(): Promise<TrainerResult> {
    const { verb, options, hooks } = this.#parts;
    hooks.onEvent?.({
      type: "start",
      verb,
      totalSteps: this.#updatesPerEpoch * options.epochs,
      totalEpochs: options.epochs,
    });
    while (this.#progress.epoch < options.epochs) await this.#epoch();
    // A finished run that was to go on in another folder is there now, though it had nothing left to train.
    if (this.#lastCheckpoint === options.resume) await this.#save("last");
    return {
      epochs: options.epochs,
      trainLoss: this.#progress.trainLoss ?? Number.NaN,
      weights: this.#parts.run.path(this.#keepsAverage() ? "ema.safetensors" : "last.safetensors"),
      seconds: this.#seconds(),
    };
  }

  async #epoch(): Promise<void> {
    const { task } = this.#parts;
    const { epoch } = this.#progress;
    if (this.#progress.batch === 0) {
      await this.#stoppable(() => task.beforeEpoch?.(epoch));
      this.#progress.sums = {};
    }
    const timing: Timing = { started: performance.now(), data: 0, step: 0, optimizer: 0 };
    // A run stopped between the last batch and the end of its epoch goes on here with none left.
    if (this.#progress.batch < this.#parts.task.batchesPerEpoch) {
      await this.#enter(task.phase(epoch));
      await this.#batches(task.phase(epoch), timing);
    }
    const wall = (performance.now() - timing.started) / 1000;
    const averages = Object.fromEntries(
      Object.entries(this.#progress.sums).map(([name, sum]) => [name, sum / this.#progress.batch]),
    );
    const times = { dataWaitSeconds: timing.data, epochSeconds: wall, stepShare: timing.step / wall };
    this.#progress.trainLoss = averages.loss ?? null;
    await this.#finishEpoch({ ...averages, lr: this.#lr(this.#parts.task.batchesPerEpoch - 1), ...times });
  }

  /** Work beside the steps, which a signal may end early: the epoch in hand is then saved as far as it is trained. */
  async #stoppable<T>(work: () => Promise<T> | undefined): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      const { signal } = this.#parts.hooks;
      const stopped = error === signal?.reason || (error instanceof MsmaeError && error.code === "Interrupted");
      // Another failure that meets a signal stays what it is: nobody should go on from what it left.
      if (signal?.aborted && stopped) return this.#interrupt();
      throw error;
    }
  }

  async #enter(phase: Phase): Promise<void> {
    if (this.#loaded === phase) return;
    if (this.#loaded) await this.#parts.engine.unload(this.#loaded.graph.name);
    const { engine, store } = this.#parts;
    await engine.load(inInt8(phase.graph, store.quantizedNames));
    this.#loaded = phase;
  }

  async #batches(phase: Phase, timing: Timing): Promise<void> {
    const { engine, hooks, options } = this.#parts;
    const prepared = phase.batches(this.#progress.epoch, this.#progress.batch);
    this.#validated = false;
    let group: string[] = [];
    try {
      let upcoming = prepared.next();
      for (;;) {
        const waited = performance.now();
        const { value, done } = await upcoming;
        timing.data += (performance.now() - waited) / 1000;
        if (done) break;
        const lr = this.#lr(this.#progress.batch);
        const update = this.#update(lr);
        group.push(...value.paths);
        const began = performance.now();
        const running = engine.train(phase.graph.name, value.feeds, update);
        upcoming = prepared.next();
        // Whatever happens to the step, the batch being prepared must not become an unhandled rejection.
        upcoming.catch(() => {});
        const result = await running.catch((error: unknown) => {
          throw this.#located(error, group);
        });
        const seconds = (performance.now() - began) / 1000;
        timing.step += seconds;
        timing.optimizer += result.optimizerSeconds;
        this.#account(result, value.paths);
        if (update.kind === "step") {
          group = [];
          this.#report(result, lr, options.batchSize / seconds);
          if (hooks.signal?.aborted) await this.#interrupt();
        }
      }
    } finally {
      await prepared.return(undefined);
    }
  }

  /** The learning rate of the update that a batch of the epoch belongs to, at its first batch's fractional epoch. */
  #lr(batch: number): number {
    const { options } = this.#parts;
    const first = batch - (batch % options.accumIter);
    return lrAt(options.schedule, this.#progress.epoch + first / this.#parts.task.batchesPerEpoch);
  }

  #update(lr: number): Update {
    const { accumIter, clipGrad, emaDecay } = this.#parts.options;
    const done = this.#progress.batch + 1;
    const last = done === this.#parts.task.batchesPerEpoch;
    if (done % accumIter !== 0 && !last) return { kind: "accumulate" };
    // The last group of an epoch may be short.
    const group = done % accumIter || accumIter;
    return {
      kind: "step",
      lr,
      stepIndex: this.#progress.step + 1,
      gradientScale: 1 / group,
      clipNorm: clipGrad,
      emaDecay,
      fromAccumulator: accumIter > 1,
    };
  }

  #account({ loss, outputs, gradientNorm }: TrainResult, paths: readonly string[]): void {
    if (!Number.isFinite(loss)) throw this.#diverged("a finite loss", String(loss), paths);
    const { sums } = this.#progress;
    for (const [name, value] of Object.entries(outputs)) {
      if (value.length === 1) sums[name] = (sums[name] ?? 0) + Number(value[0]);
    }
    this.#progress.batch++;
    if (gradientNorm !== undefined) this.#progress.step++;
  }

  /** A gradient that is not finite is seen by the optimiser, which knows neither step nor images. */
  #located(error: unknown, paths: readonly string[]): unknown {
    if (!(error instanceof MsmaeError) || error.code !== "NonFiniteLoss") return error;
    return this.#diverged(error.parts.expected, error.parts.got, paths);
  }

  #diverged(expected: string, got: string, paths: readonly string[]): MsmaeError {
    const { step, epoch } = this.#progress;
    const goOn = this.#lastCheckpoint
      ? `the last good checkpoint is ${this.#lastCheckpoint}`
      : "there is no checkpoint yet, so start again";
    return new MsmaeError("NonFiniteLoss", {
      where: `step ${step + 1} (epoch ${epoch}, images ${paths.join(", ")})`,
      expected,
      got,
      todo: `look at these images, lower the learning rate or set --clip-grad; ${goOn}`,
    });
  }

  #report({ loss }: TrainResult, lr: number, imagesPerSecond: number): void {
    const { hooks, run, options } = this.#parts;
    const { epoch, step } = this.#progress;
    const totalSteps = this.#updatesPerEpoch * options.epochs;
    hooks.onEvent?.({ type: "step", epoch, step, totalSteps, loss, lr, imagesPerSecond });
    run.scalars(step, { "train/loss": loss, "train/lr": lr });
  }

  async #finishEpoch(train: Record<string, number>): Promise<void> {
    const { task, store, hooks, run, options } = this.#parts;
    const { epoch, step } = this.#progress;
    const validate = () =>
      withEma(store, async () => {
        const result = await task.validate?.(epoch);
        if (result && this.#improves(result.score, result.loss)) {
          this.#progress.best = { epoch, score: result.score, loss: result.loss };
          await saveCheckpoint(run.folder, "best", store, task.describe(epoch, step, true), undefined);
        }
        return result;
      });
    const validation = await this.#stoppable(validate);
    // Averaged weights were validated, where an average is kept, and these are not.
    this.#validated = options.emaDecay === undefined;
    await run.logEpoch(epoch, step, { ...train, elapsedSeconds: this.#seconds() }, validation?.metrics);
    hooks.onEvent?.({ type: "epoch", epoch, metrics: { ...train, ...validation?.metrics } });
    Object.assign(this.#progress, { epoch: epoch + 1, batch: 0, sums: {} });
    if (this.#keepsAverage()) {
      const description = task.describe(epoch + 1, step, false);
      await withEma(store, () => saveCheckpoint(run.folder, "ema", store, description, undefined));
    }
    const isLast = epoch + 1 === options.epochs;
    // Before `last`: a run killed between the two does the epoch again and saves both, instead of missing one for ever.
    if ((epoch + 1) % options.saveEvery === 0 || isLast) await this.#save(`checkpoint-${epoch}`);
    await this.#save("last");
  }

  /** With validation the best weights are averaged ones already. */
  #keepsAverage(): boolean {
    return this.#parts.options.emaDecay !== undefined && this.#parts.task.validate === undefined;
  }

  #improves(score: number, loss: number): boolean {
    const { best } = this.#progress;
    return best === null || score > best.score || (score === best.score && loss < best.loss);
  }

  async #interrupt(): Promise<never> {
    await this.#save("last");
    const { epoch, step } = this.#progress;
    throw new MsmaeError("Interrupted", {
      where: `step ${step} (epoch ${epoch})`,
      expected: "the run to finish",
      got: "a request to stop; everything is saved",
      todo: `go on with --resume ${this.#parts.run.name}`,
    });
  }

  async #save(name: string): Promise<void> {
    const { run, store, task, hooks } = this.#parts;
    const progress = this.#progress;
    const description = task.describe(progress.epoch, progress.step, this.#validated);
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

  #seconds(): number {
    return this.#parts.run.earlierSeconds + (performance.now() - this.#started) / 1000;
  }
}
