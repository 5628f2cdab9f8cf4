import { MsmaeError } from "../../support/errors.ts";
import type { Arena, ParameterStore } from "../parameters/parameter-store.ts";
import type { SpawnThread } from "../runtime/threads.ts";
import { clipCoefficient } from "./clip.ts";
import { OPERATION, type OptimizerJob, planJob, SCALAR } from "./optimizer-job.ts";
import { OptimizerPool } from "./optimizer-pool.ts";
import type { ParameterGroup } from "./parameter-groups.ts";
import { resetColumnMaxima } from "./quantized-weights.ts";

/** Who does the work of an optimiser. */
export interface OptimizerThreads {
  /** Threads at work, the calling one included. One unless told otherwise. */
  threads?: number;
  /** How to start a helper thread; needed for more than one. */
  spawn?: SpawnThread;
  /** How long, in ms, a helper may make no progress before the step fails instead of waiting on. */
  stallMilliseconds?: number;
}

/** What may change from step to step. */
export interface OptimizerStep {
  /** Learning rate of a group with lrScale 1. */
  lr: number;
  /** Which update this is, counted from 1: AdamW's bias correction needs it. */
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

/** Values of {@link OptimizerJob.scalars} by name. */
export type Scalars = Partial<Record<keyof typeof SCALAR, number>>;

/**
 * What all optimisers over a {@link ParameterStore} have in common: accumulation, clipping and the threads, which run a rule
 * over pieces of the tensors. The result has the same bits for any number of threads.
 */
export abstract class Optimizer {
  protected readonly job: OptimizerJob;
  readonly #name: string;
  readonly #check: SettingCheck;
  readonly #store: ParameterStore;
  readonly #pool: OptimizerPool;

  /**
   * @param name what errors call it.
   * @throws MsmaeError "Config" for settings out of range, missing moments, or groups that do not fit the store.
   */
  protected constructor(
    name: string,
    store: ParameterStore,
    groups: ReadonlyMap<string, ParameterGroup>,
    { threads = 1, spawn, stallMilliseconds = 30_000 }: OptimizerThreads,
  ) {
    this.#name = name;
    this.#check = settingCheck(name);
    this.#store = store;
    this.#check("threads", threads, Number.isInteger(threads) && threads >= 1, "a whole number of at least 1");
    for (const [tensor, { lrScale, weightDecay }] of groups) {
      this.#check(
        `lrScale of "${tensor}"`,
        lrScale,
        Number.isFinite(lrScale) && lrScale >= 0,
        "a number of at least 0",
      );
      this.#check(
        `weightDecay of "${tensor}"`,
        weightDecay,
        weightDecay >= 0 && weightDecay < Infinity,
        "a number of at least 0",
      );
    }
    this.#require("gradient");
    this.#require("firstMoment");
    this.job = planJob(store, groups, threads - 1);
    this.#pool = new OptimizerPool(this.job, threads - 1, spawn, stallMilliseconds);
  }

  /** Resolves when every helper thread has started. Steps before that are right but use fewer threads. */
  ready(): Promise<void> {
    return this.#pool.ready();
  }

  /** accumulator += gradient, for all trainable tensors. */
  accumulate(): void {
    this.#require("accumulator");
    this.run(OPERATION.accumulate, {});
  }

  /**
   * One update of all trainable tensors. Returns the global L2 norm of the scaled gradient before clipping.
   *
   * @throws MsmaeError "NonFiniteLoss" where that norm is not finite: before anything changes if `clipNorm` is set,
   * after the update otherwise, because the norm is then taken in the same pass.
   * @throws MsmaeError "Device" where a helper thread died.
   */
  step(options: OptimizerStep): { gradientNorm: number } {
    const { lr, stepIndex, clipNorm, emaDecay, fromAccumulator = false, gradientScale = 1 } = options;
    this.#check("lr", lr, Number.isFinite(lr) && lr >= 0, "a number of at least 0");
    this.#check("stepIndex", stepIndex, Number.isInteger(stepIndex) && stepIndex >= 1, "a whole number of at least 1");
    this.#check("gradientScale", gradientScale, Number.isFinite(gradientScale), "a finite number");
    if (emaDecay !== undefined) {
      this.#check("emaDecay", emaDecay, emaDecay >= 0 && emaDecay <= 1, "a number in [0, 1]");
      this.#require("ema");
    }
    if (fromAccumulator) this.#require("accumulator");
    const source = { fromAccumulator: Number(fromAccumulator) };
    let scale = gradientScale;
    if (clipNorm !== undefined) {
      this.#check("clipNorm", clipNorm, clipNorm > 0, "a positive number");
      this.run(OPERATION.sumOfSquares, source);
      scale *= clipCoefficient(this.#norm(gradientScale), clipNorm);
    }
    resetColumnMaxima(this.#store);
    this.update({
      ...source,
      lr,
      stepIndex,
      gradientScale: scale,
      emaDecay: emaDecay ?? -1,
      withNorm: Number(clipNorm === undefined),
    });
    this.#writeQuantized();
    return { gradientNorm: this.#norm(gradientScale) };
  }

  /** Writes the copies in int8 of the weights that have them. A step does so by itself: this is for the first. */
  quantize(): void {
    if (this.#store.quantizedNames.size === 0) return;
    resetColumnMaxima(this.#store);
    this.run(OPERATION.columnMaxima, {});
    this.#writeQuantized();
  }

  /** Ends the helper threads; the optimiser can step no more. */
  close(): void {
    this.#pool.close();
  }

  /** Applies the rule to every piece, with the scalars of the step. */
  protected abstract update(scalars: Scalars): void;

  /** Has the threads do an operation on every piece. */
  protected run(operation: number, scalars: Scalars): void {
    this.job.scalars[SCALAR.operation] = operation;
    for (const [name, value] of Object.entries(scalars)) this.job.scalars[SCALAR[name as keyof typeof SCALAR]] = value;
    this.#pool.run();
  }

  /** The update has left the largest magnitudes of columns, which no piece of it could know alone. */
  #writeQuantized(): void {
    if (this.#store.quantizedNames.size > 0) this.run(OPERATION.quantize, {});
  }

  #norm(gradientScale: number): number {
    let sum = 0;
    for (const partial of this.job.partials) sum += partial;
    const norm = Math.abs(gradientScale) * Math.sqrt(sum);
    if (!Number.isFinite(norm)) {
      throw new MsmaeError("NonFiniteLoss", {
        where: this.#name,
        expected: "finite gradients",
        got: `a gradient norm of ${norm}`,
        todo: "lower the learning rate or set --clip-grad, and go on from the last good checkpoint",
      });
    }
    return norm;
  }

  #require(arena: Arena): void {
    this.#check("store", `one without ${arena} values`, this.#store.keeps(arena), `a store that keeps ${arena} values`);
  }
}

/** Says that a setting does not hold. @throws MsmaeError "Config" */
export type SettingCheck = (what: string, got: unknown, holds: boolean, expected: string) => void;

/** The check of an optimiser's settings, which errors call by its name. */
export function settingCheck(name: string): SettingCheck {
  return (what, got, holds, expected) => {
    if (holds) return;
    const where = `${name} ${what}`;
    throw new MsmaeError("Config", { where, expected, got: String(got), todo: "correct the setting" });
  };
}
