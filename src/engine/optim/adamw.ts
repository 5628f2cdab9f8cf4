import { MsmaeError } from "../../support/errors.ts";
import type { Arena, ParameterStore } from "../parameters/parameter-store.ts";
import type { SpawnThread } from "../runtime/threads.ts";
import { clipCoefficient } from "./clip.ts";
import { OPERATION, type OptimizerJob, planJob, SCALAR } from "./optimizer-job.ts";
import { OptimizerPool } from "./optimizer-pool.ts";
import type { ParameterGroup } from "./parameter-groups.ts";

/** What stays the same over all steps. */
export interface AdamWOptions {
  /** Decay of the first moment. */
  beta1: number;
  /** Decay of the second moment. */
  beta2: number;
  /** Added to the root of the second moment. */
  eps: number;
  /** Threads at work, the calling one included. One unless told otherwise. */
  threads?: number;
  /** How to start a helper thread; needed for more than one. */
  spawn?: SpawnThread;
  /** How long, in ms, a helper may make no progress before the step fails instead of waiting on. */
  stallMilliseconds?: number;
}

/** What may change from step to step. */
export interface AdamWStep {
  /** Learning rate of a group with lrScale 1. */
  lr: number;
  /** Which update this is, counted from 1: the bias correction needs it. */
  stepIndex: number;
  /** Factor on every gradient before anything else, such as 1 / micro-batches. */
  gradientScale?: number;
  /** Largest global L2 norm that the scaled gradient may have. */
  clipNorm?: number;
  /** Decay of the moving average of the weights; the store must keep `ema`. */
  emaDecay?: number;
  /** Takes the gradients from the accumulator and empties it. */
  fromAccumulator?: boolean;
}

/**
 * AdamW with decoupled weight decay over a {@link ParameterStore}, run in the thread that calls it. The result has the
 * same bits for any number of threads.
 *
 * Source: Loshchilov and Hutter 2019, algorithm 2; order of operations as torch.optim.AdamW.
 */
export class AdamW {
  readonly #store: ParameterStore;
  readonly #job: OptimizerJob;
  readonly #pool: OptimizerPool;

  /** @throws MsmaeError "Config" for settings out of range, missing moments, or groups that do not fit the store. */
  constructor(store: ParameterStore, groups: ReadonlyMap<string, ParameterGroup>, options: AdamWOptions) {
    const { beta1, beta2, eps, threads = 1, spawn, stallMilliseconds = 30_000 } = options;
    check("beta1", beta1, beta1 >= 0 && beta1 < 1, "a number in [0, 1)");
    check("beta2", beta2, beta2 >= 0 && beta2 < 1, "a number in [0, 1)");
    check("eps", eps, eps > 0 && Number.isFinite(eps), "a positive number");
    check("threads", threads, Number.isInteger(threads) && threads >= 1, "a whole number of at least 1");
    for (const [name, { lrScale, weightDecay }] of groups) {
      check(`lrScale of "${name}"`, lrScale, Number.isFinite(lrScale) && lrScale >= 0, "a number of at least 0");
      check(
        `weightDecay of "${name}"`,
        weightDecay,
        weightDecay >= 0 && weightDecay < Infinity,
        "a number of at least 0",
      );
    }
    this.#store = store;
    this.#require("gradient");
    this.#require("firstMoment");
    this.#job = planJob(store, groups, threads - 1);
    this.#job.scalars[SCALAR.beta1] = beta1;
    this.#job.scalars[SCALAR.beta2] = beta2;
    this.#job.scalars[SCALAR.eps] = eps;
    this.#pool = new OptimizerPool(this.#job, threads - 1, spawn, stallMilliseconds);
  }

  /** Resolves when every helper thread has started. Steps before that are right but use fewer threads. */
  ready(): Promise<void> {
    return this.#pool.ready();
  }

  /** accumulator += gradient, for all trainable tensors. */
  accumulate(): void {
    this.#require("accumulator");
    this.#run(OPERATION.accumulate, {});
  }

  /**
   * One update of all trainable tensors. Returns the global L2 norm of the scaled gradient before clipping.
   *
   * @throws MsmaeError "NonFiniteLoss" where that norm is not finite: before anything changes if `clipNorm` is set,
   * after the update otherwise, because the norm is then taken in the same pass.
   * @throws MsmaeError "Device" where a helper thread died.
   */
  step(options: AdamWStep): { gradientNorm: number } {
    const { lr, stepIndex, clipNorm, emaDecay, fromAccumulator = false, gradientScale = 1 } = options;
    check("lr", lr, Number.isFinite(lr) && lr >= 0, "a number of at least 0");
    check("stepIndex", stepIndex, Number.isInteger(stepIndex) && stepIndex >= 1, "a whole number of at least 1");
    check("gradientScale", gradientScale, Number.isFinite(gradientScale), "a finite number");
    if (emaDecay !== undefined) {
      check("emaDecay", emaDecay, emaDecay >= 0 && emaDecay <= 1, "a number in [0, 1]");
      this.#require("ema");
    }
    if (fromAccumulator) this.#require("accumulator");
    const source = { fromAccumulator: Number(fromAccumulator) };
    let scale = gradientScale;
    if (clipNorm !== undefined) {
      check("clipNorm", clipNorm, clipNorm > 0, "a positive number");
      this.#run(OPERATION.sumOfSquares, source);
      scale *= clipCoefficient(this.#norm(gradientScale), clipNorm);
    }
    this.#run(OPERATION.adamw, {
      ...source,
      lr,
      stepIndex,
      gradientScale: scale,
      emaDecay: emaDecay ?? -1,
      withNorm: Number(clipNorm === undefined),
    });
    return { gradientNorm: this.#norm(gradientScale) };
  }

  /** Ends the helper threads; the optimiser can step no more. */
  close(): void {
    this.#pool.close();
  }

  #run(operation: number, scalars: Partial<Record<keyof typeof SCALAR, number>>): void {
    this.#job.scalars[SCALAR.operation] = operation;
    for (const [name, value] of Object.entries(scalars)) this.#job.scalars[SCALAR[name as keyof typeof SCALAR]] = value;
    this.#pool.run();
  }

  #norm(gradientScale: number): number {
    let sum = 0;
    for (const partial of this.#job.partials) sum += partial;
    const norm = Math.abs(gradientScale) * Math.sqrt(sum);
    if (!Number.isFinite(norm)) {
      throw new MsmaeError("NonFiniteLoss", {
        where: "AdamW",
        expected: "finite gradients",
        got: `a gradient norm of ${norm}`,
        todo: "lower the learning rate or set --clip-grad, and go on from the last good checkpoint",
      });
    }
    return norm;
  }

  #require(arena: Arena): void {
    check("store", `one without ${arena} values`, this.#store.keeps(arena), `a store that keeps ${arena} values`);
  }
}

function check(what: string, got: unknown, holds: boolean, expected: string): void {
  if (holds) return;
  throw new MsmaeError("Config", { where: `AdamW ${what}`, expected, got: String(got), todo: "correct the setting" });
}
