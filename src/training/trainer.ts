import type { Batch, ImageLoader } from "../data/loader.ts";
import type { TrainResult, Update } from "../engine/core.ts";
import type { Engine } from "../engine/engine.ts";
import { type CropRange, PAPER_CROP } from "../data/transforms/random-resized-crop.ts";
import { MsmaeError } from "../errors.ts";
import { withEma } from "../optim/ema.ts";
import type { ParameterStore } from "../optim/parameter-store.ts";
import { lrAt, type WarmupCosine } from "../optim/schedule.ts";
import type { Feeds } from "../runtime/program.ts";
import { type Progress, saveCheckpoint } from "./checkpoint.ts";
import type { RunHooks } from "./events.ts";
import type { RunDirectory } from "./run-directory.ts";
import type { Phase, TrainingTask } from "./task.ts";

/** The options that the loop itself reads; units as in the configuration. */
export interface TrainerOptions {
  seed: number;
  epochs: number;
  batchSize: number;
  accumIter: number;
  clipGrad?: number;
  emaDecay?: number;
  saveEvery: number;
  cropMinScale: number;
  schedule: WarmupCosine;
}

export interface TrainerParts {
  options: TrainerOptions;
  task: TrainingTask;
  engine: Engine;
  store: ParameterStore;
  loader: ImageLoader;
  run: RunDirectory;
  hooks: RunHooks;
}

/** A batch ready for the engine. */
interface Prepared {
  batch: Batch;
  feeds: Feeds;
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
  readonly #batchesPerEpoch: number;
  readonly #updatesPerEpoch: number;
  readonly #earlierSeconds: number;
  readonly #started = performance.now();
  #loaded: Phase | undefined;
  #lastLr = 0;
  #lastCheckpoint = "none yet";

  /** `progress` is where to begin: a fresh one, or a resumed run's. */
  constructor(parts: TrainerParts, progress: Progress) {
    this.#parts = parts;
    this.#progress = progress;
    this.#earlierSeconds = progress.seconds;
    this.#batchesPerEpoch = Math.floor(parts.loader.samples.length / parts.options.batchSize);
    this.#updatesPerEpoch = Math.ceil(this.#batchesPerEpoch / parts.options.accumIter);
    if (this.#batchesPerEpoch === 0) {
      throw new MsmaeError("Config", {
        where: "--batch-size",
        expected: `at most the ${parts.loader.samples.length} training images`,
        got: String(parts.options.batchSize),
        todo: "lower --batch-size or add images",
      });
    }
  }

  /** Trains to the last epoch. @throws MsmaeError Interrupted, with everything saved, when the signal asks to stop. */
  async run(): Promise<{ epochs: number; trainLoss: number; last: string; seconds: number }> {
    const { options, hooks, task } = this.#parts;
    hooks.onEvent?.({
      type: "start",
      verb: task.verb,
      totalSteps: this.#updatesPerEpoch * options.epochs,
      totalEpochs: options.epochs,
    });
    let trainLoss = Number.NaN;
    while (this.#progress.epoch < options.epochs) trainLoss = await this.#epoch();
    return {
      epochs: options.epochs,
      trainLoss,
      last: this.#parts.run.path("last.safetensors"),
      seconds: this.#seconds(),
    };
  }

  async #epoch(): Promise<number> {
    const { task } = this.#parts;
    const { epoch } = this.#progress;
    if (this.#progress.batch === 0) {
      await this.#stoppable(() => task.beforeEpoch?.(epoch));
      this.#progress.sums = {};
    }
    const timing: Timing = { started: performance.now(), data: 0, step: 0, optimizer: 0 };
    // A run stopped between the last batch and the end of its epoch goes on here with none left.
    if (this.#progress.batch < this.#batchesPerEpoch) {
      await this.#enter(task.phase(epoch));
      await this.#batches(task.phase(epoch), timing);
    }
    const wall = (performance.now() - timing.started) / 1000;
    await this.#stoppable(() => task.afterEpoch?.(epoch));
    const averages = Object.fromEntries(
      Object.entries(this.#progress.sums).map(([name, sum]) => [name, sum / this.#progress.batch]),
    );
    const times = { dataWaitSeconds: timing.data, epochSeconds: wall, stepShare: timing.step / wall };
    await this.#finishEpoch({ ...averages, lr: this.#lastLr, ...times });
    return averages.loss as number;
  }

  /** Work beside the steps, which a signal may end early: the epoch in hand is then saved as far as it is trained. */
  async #stoppable<T>(work: () => Promise<T> | undefined): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (this.#parts.hooks.signal?.aborted) return this.#interrupt();
      throw error;
    }
  }

  async #enter(phase: Phase): Promise<void> {
    if (this.#loaded === phase) return;
    if (this.#loaded) await this.#parts.engine.unload(this.#loaded.graph.name);
    await this.#parts.engine.load(phase.graph);
    this.#loaded = phase;
  }

  async #batches(phase: Phase, timing: Timing): Promise<void> {
    const { engine, hooks, options } = this.#parts;
    const prepared = this.#prepare(phase);
    try {
      let upcoming = prepared.next();
      for (;;) {
        const waited = performance.now();
        const { value, done } = await upcoming;
        timing.data += (performance.now() - waited) / 1000;
        if (done) break;
        const lr = this.#lr();
        this.#lastLr = lr;
        const update = this.#update(lr);
        const began = performance.now();
        const running = engine.train(phase.graph.name, value.feeds, update);
        upcoming = prepared.next();
        // Whatever happens to the step, the batch being prepared must not become an unhandled rejection.
        upcoming.catch(() => {});
        const result = await running;
        const seconds = (performance.now() - began) / 1000;
        timing.step += seconds;
        timing.optimizer += result.optimizerSeconds;
        this.#account(result, value.batch);
        if (update.kind === "step") {
          this.#report(result, lr, options.batchSize / seconds);
          if (hooks.signal?.aborted) await this.#interrupt();
        }
      }
    } finally {
      await prepared.return(undefined);
    }
  }

  async *#prepare(phase: Phase): AsyncGenerator<Prepared, undefined> {
    const { loader, options } = this.#parts;
    const { epoch } = this.#progress;
    let index = this.#progress.batch;
    const order = { epoch, seed: options.seed, batchSize: options.batchSize, startBatch: index };
    const crop: CropRange = { ...PAPER_CROP, scale: [options.cropMinScale, PAPER_CROP.scale[1]] };
    for await (const batch of loader.epoch({ ...order, crop, augment: true, shuffle: true, dropLast: true })) {
      yield { batch, feeds: phase.feeds(batch, epoch, index++) };
    }
    return undefined;
  }

  /** The learning rate of the update in hand, at its first batch's fractional epoch. */
  #lr(): number {
    const { options } = this.#parts;
    const first = this.#progress.batch - (this.#progress.batch % options.accumIter);
    return lrAt(options.schedule, this.#progress.epoch + first / this.#batchesPerEpoch);
  }

  #update(lr: number): Update {
    const { accumIter, clipGrad, emaDecay } = this.#parts.options;
    const done = this.#progress.batch + 1;
    const last = done === this.#batchesPerEpoch;
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

  #account({ outputs, gradientNorm }: TrainResult, batch: Batch): void {
    const loss = outputs.loss?.[0] as number;
    if (!Number.isFinite(loss)) {
      throw new MsmaeError("NonFiniteLoss", {
        where: `step ${this.#progress.step + 1} (epoch ${this.#progress.epoch}, images ${batch.paths.join(", ")})`,
        expected: "a finite loss",
        got: String(loss),
        todo: `look at these images, lower the learning rate or set --clip-grad, and resume from ${this.#lastCheckpoint}`,
      });
    }
    const { sums } = this.#progress;
    for (const [name, value] of Object.entries(outputs)) {
      if (value.length === 1) sums[name] = (sums[name] ?? 0) + (value[0] as number);
    }
    this.#progress.batch++;
    if (gradientNorm !== undefined) this.#progress.step++;
  }

  #report({ outputs }: TrainResult, lr: number, imagesPerSecond: number): void {
    const { hooks, run, options } = this.#parts;
    const { epoch, step } = this.#progress;
    const loss = outputs.loss?.[0] as number;
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
          await saveCheckpoint(run.folder, "best", store, task.describe(epoch, step), undefined);
        }
        return result;
      });
    const validation = await this.#stoppable(validate);
    await run.logEpoch(epoch, step, train, validation?.metrics);
    hooks.onEvent?.({ type: "epoch", epoch, metrics: { ...train, ...validation?.metrics } });
    Object.assign(this.#progress, { epoch: epoch + 1, batch: 0, sums: {} });
    await this.#save("last");
    const isLast = epoch + 1 === options.epochs;
    if ((epoch + 1) % options.saveEvery === 0 || isLast) await this.#save(`checkpoint-${epoch}`);
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
      todo: `go on with --resume ${this.#parts.run.folder}`,
    });
  }

  async #save(name: string): Promise<void> {
    const { run, store, task, hooks } = this.#parts;
    const progress = { ...this.#progress, seconds: this.#seconds() };
    const description = task.describe(progress.epoch, progress.step);
    const path = await saveCheckpoint(run.folder, name, store, description, { progress, maps: task.maps.all });
    this.#lastCheckpoint = path;
    hooks.onEvent?.({ type: "checkpoint", path });
  }

  #seconds(): number {
    return this.#earlierSeconds + (performance.now() - this.#started) / 1000;
  }
}
