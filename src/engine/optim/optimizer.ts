import type { ParameterStore } from "../parameters/parameter-store.ts";
import type { SpawnThread } from "../runtime/threads.ts";
import { clipCoefficient } from "./clip.ts";
import { OPERATION, type OptimizerJob, planJob, SCALAR } from "./optimizer-job.ts";
import { OptimizerPool } from "./optimizer-pool.ts";
import type { ParameterGroup } from "./parameter-groups.ts";
import { resetColumnMaxima } from "./quantized-weights.ts";
import {
  checkArena,
  checkGroups,
  checkStep,
  finiteNorm,
  type OptimizerStep,
  type SettingCheck,
  settingCheck,
} from "./step-options.ts";

/** Who does the work of an optimiser. */
export interface OptimizerThreads {
  /** Threads at work, the calling one included. One unless told otherwise. */
  threads?: number;
  /** How to start a helper thread; needed for more than one. */
  spawn?: SpawnThread;
  /** How long, in ms, a helper may make no progress before the step fails instead of waiting on. */
  stallMilliseconds?: number;
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
    checkGroups(this.#check, groups, store);
    checkArena(this.#check, store, "gradient");
    checkArena(this.#check, store, "firstMoment");
    this.job = planJob(store, groups, threads - 1);
    this.#pool = new OptimizerPool(this.job, threads - 1, spawn, stallMilliseconds);
  }

  /** Resolves when every helper thread has started. Steps before that are right but use fewer threads. */
  ready(): Promise<void> {
    return this.#pool.ready();
  }

  /** accumulator += gradient, for all trainable tensors. */
  accumulate(): void {
    checkArena(this.#check, this.#store, "accumulator");
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
    checkStep(this.#check, this.#store, options);
    const { lr, stepIndex, clipNorm, emaDecay, fromAccumulator = false, gradientScale = 1 } = options;
    const source = { fromAccumulator: Number(fromAccumulator) };
    let scale = gradientScale;
    if (clipNorm !== undefined) {
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
    return finiteNorm(this.#name, sum, gradientScale);
  }
}
