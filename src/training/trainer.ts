import { lrAt, type WarmupCosine } from "../engine/optim/schedule.ts";
import { withEma } from "../engine/parameters/ema.ts";
import type { Update } from "../engine/thread/core.ts";
import type { Engine } from "../engine/thread/engine.ts";
import { inPrecision } from "../method/models/precision.ts";
import type { ExchangeForm } from "../parallel/gradient-codec.ts";
import { commonError, first, type Ranks } from "../parallel/ranks.ts";
import { MsmaeError } from "../support/errors.ts";
import type { Progress } from "./checkpoint.ts";
import { type KeeperParts, RunKeeper } from "./run-keeper.ts";
import { SharedSteps } from "./steps/shared-steps.ts";
import { type BatchResult, OwnSteps, type Steps } from "./steps/steps.ts";
import type { Phase } from "./task.ts";

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
  /** Which products training takes in int8: none unless told otherwise. */
  precision?: Parameters<typeof inPrecision>[1];
  /** How the gradients of several processes travel: as they are unless told otherwise. */
  exchange?: ExchangeForm;
  /** In how many parts they do, each while the next is computed: in one, after all, unless told otherwise. */
  exchangeParts?: number;
  schedule: WarmupCosine;
}

export interface TrainerParts extends KeeperParts {
  /** What the run is called. */
  verb: string;
  options: TrainerOptions;
  engine: Engine;
  ranks: Ranks;
}

export interface TrainerResult {
  epochs: number;
  /** Mean loss of the last epoch. */
  trainLoss: number;
  /** Path of the last weights, averaged ones where an average is kept; empty in a process that writes none. */
  weights: string;
  /** Over all parts of a resumed run, as far as its log tells. */
  seconds: number;
}

/** Seconds of an epoch, by what they were spent on. */
interface Timing {
  started: number;
  data: number;
  step: number;
  /** Of the whole run, as they were when the epoch began. */
  communication: number;
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
  readonly #keeper: RunKeeper;
  readonly #steps: Steps;
  #loaded: Phase | undefined;
  /** Whether the weights are those of the last validation pass. */
  #validated: boolean;

  /** `progress` is where to begin: a fresh one, or that of the run resumed from `parts.options.resume`. */
  constructor(parts: TrainerParts, progress: Progress) {
    this.#parts = parts;
    this.#progress = progress;
    const { options, ranks, hooks } = parts;
    this.#keeper = new RunKeeper(parts, options.resume);
    this.#steps =
      ranks.size > 1 ? new SharedSteps(parts, options, hooks.signal) : new OwnSteps(parts.engine, hooks.signal);
    this.#validated = progress.epoch > 0 && progress.batch === 0 && options.emaDecay === undefined;
    this.#updatesPerEpoch = Math.ceil(parts.task.batchesPerEpoch / options.accumIter);
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
    if (this.#keeper.lastCheckpoint === options.resume) await this.#save("last");
    return {
      epochs: options.epochs,
      trainLoss: this.#progress.trainLoss ?? Number.NaN,
      weights: this.#keeper.pathOf(this.#keepsAverage() ? "ema" : "last"),
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
    const { ranks } = this.#parts;
    const timing: Timing = { started: performance.now(), data: 0, step: 0, communication: ranks.seconds };
    // A run stopped between the last batch and the end of its epoch goes on here with none left.
    if (this.#progress.batch < this.#parts.task.batchesPerEpoch) {
      await this.#enter(task.phase(epoch));
      await this.#batches(task.phase(epoch), timing);
    }
    const wall = (performance.now() - timing.started) / 1000;
    const averages = Object.fromEntries(
      Object.entries(this.#progress.sums).map(([name, sum]) => [name, sum / this.#progress.batch]),
    );
    const times = {
      ...{ dataWaitSeconds: timing.data, epochSeconds: wall, stepShare: timing.step / wall },
      ...(ranks.size > 1 && { communicationShare: (ranks.seconds - timing.communication) / wall }),
    };
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
    const { options, store } = this.#parts;
    await this.#steps.load(inPrecision(phase.graph, options.precision, store));
    this.#loaded = phase;
  }

  async #batches(phase: Phase, timing: Timing): Promise<void> {
    const { options, task } = this.#parts;
    const { share } = this.#steps;
    const prepared = phase.batches(this.#progress.epoch, this.#progress.batch, share);
    this.#validated = false;
    let group: string[] = [];
    try {
      let upcoming = prepared.next();
      while (this.#progress.batch < task.batchesPerEpoch) {
        const waited = performance.now();
        const batch = (await upcoming).value ?? undefined;
        timing.data += (performance.now() - waited) / 1000;
        const lr = this.#lr(this.#progress.batch);
        const count = Math.min(share.of, task.batchesPerEpoch - this.#progress.batch);
        const update = this.#update(lr, count);
        const began = performance.now();
        const running = this.#steps.round({ graph: phase.graph.name, batch, count, update }, group);
        upcoming = prepared.next();
        // Whatever happens to the step, the batch being prepared must not become an unhandled rejection.
        upcoming.catch(() => {});
        const batches = await running.catch((error: unknown) => {
          throw this.#located(error, group);
        });
        const seconds = (performance.now() - began) / 1000;
        timing.step += seconds;
        for (const result of batches) this.#account(result);
        if (update.kind === "step") {
          group = [];
          this.#progress.step++;
          this.#report(batches.at(-1) as BatchResult, lr, (count * options.batchSize) / seconds);
          if (this.#steps.stops) await this.#interrupt();
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

  /** What follows the batches from the present one on that are trained at once. */
  #update(lr: number, count: number): Update {
    const { accumIter, clipGrad, emaDecay } = this.#parts.options;
    const done = this.#progress.batch + count;
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

  #account({ loss, scalars, paths }: BatchResult): void {
    if (!Number.isFinite(loss)) throw this.#diverged("a finite loss", String(loss), paths);
    const { sums } = this.#progress;
    for (const [name, value] of Object.entries(scalars)) sums[name] = (sums[name] ?? 0) + value;
    this.#progress.batch++;
  }

  /** A gradient that is not finite is seen by the optimiser, which knows neither step nor images. */
  #located(error: unknown, paths: readonly string[]): unknown {
    if (!(error instanceof MsmaeError) || error.code !== "NonFiniteLoss") return error;
    return this.#diverged(error.parts.expected, error.parts.got, paths);
  }

  #diverged(expected: string, got: string, paths: readonly string[]): MsmaeError {
    const { step, epoch } = this.#progress;
    const { lastCheckpoint } = this.#keeper;
    const goOn = lastCheckpoint
      ? `the last good checkpoint is ${lastCheckpoint}`
      : "there is no checkpoint yet, so start again";
    const error = new MsmaeError("NonFiniteLoss", {
      where: `step ${step + 1} (epoch ${epoch}, images ${paths.join(", ")})`,
      expected,
      got,
      todo: `look at these images, lower the learning rate or set --clip-grad; ${goOn}`,
    });
    return commonError(this.#parts.ranks, error);
  }

  #report({ loss }: BatchResult, lr: number, imagesPerSecond: number): void {
    const { hooks, options } = this.#parts;
    const { epoch, step } = this.#progress;
    const totalSteps = this.#updatesPerEpoch * options.epochs;
    hooks.onEvent?.({ type: "step", epoch, step, totalSteps, loss, lr, imagesPerSecond });
    this.#keeper.step(step, { "train/loss": loss, "train/lr": lr });
  }

  async #finishEpoch(train: Record<string, number>): Promise<void> {
    const { task, store, hooks, options, engine } = this.#parts;
    const { epoch } = this.#progress;
    await engine.collect();
    const validate = () =>
      withEma(store, async () => {
        const result = await task.validate?.(epoch);
        if (result && this.#improves(result.score, result.loss)) {
          this.#progress.best = { epoch, score: result.score, loss: result.loss };
          await this.#keeper.best(this.#progress);
        }
        return result;
      });
    const validation = await this.#stoppable(validate);
    // Averaged weights were validated, where an average is kept, and these are not.
    this.#validated = options.emaDecay === undefined;
    await this.#keeper.epoch(this.#progress, { ...train, elapsedSeconds: this.#seconds() }, validation?.metrics);
    hooks.onEvent?.({ type: "epoch", epoch, metrics: { ...train, ...validation?.metrics } });
    Object.assign(this.#progress, { epoch: epoch + 1, batch: 0, sums: {} });
    if (this.#keepsAverage()) await this.#keeper.average(this.#progress);
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
    const { ranks, engine } = this.#parts;
    await engine.collect();
    await first(ranks, () => this.#save("last"));
    const { epoch, step } = this.#progress;
    const error = new MsmaeError("Interrupted", {
      where: `step ${step} (epoch ${epoch})`,
      expected: "the run to finish",
      got: "a request to stop; everything is saved",
      todo: `go on with --resume ${this.#keeper.name}`,
    });
    throw commonError(ranks, error);
  }

  #save(name: string): Promise<void> {
    return this.#keeper.save(name, this.#progress, this.#validated);
  }

  #seconds(): number {
    return this.#keeper.earlierSeconds + (performance.now() - this.#started) / 1000;
  }
}
