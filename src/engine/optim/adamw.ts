import type { ParameterStore } from "../parameters/parameter-store.ts";
import { Optimizer, type OptimizerThreads, type Scalars } from "./optimizer.ts";
import { OPERATION, SCALAR } from "./optimizer-job.ts";
import type { ParameterGroup } from "./parameter-groups.ts";
import { type AdamWSettings, checkAdamW, type OptimizerStep } from "./step-options.ts";

/** What stays the same over all steps, and who does the work. */
export type AdamWOptions = AdamWSettings & OptimizerThreads;

/** What may change from step to step. */
export type AdamWStep = OptimizerStep;

/**
 * AdamW with decoupled weight decay over a {@link ParameterStore}, run in the thread that calls it.
 *
 * Source: Loshchilov and Hutter 2019, algorithm 2; order of operations as torch.optim.AdamW.
 */
export class AdamW extends Optimizer {
  /** @throws MsmaeError "Config" for settings out of range, missing moments, or groups that do not fit the store. */
  constructor(store: ParameterStore, groups: ReadonlyMap<string, ParameterGroup>, options: AdamWOptions) {
    const { beta1, beta2, eps, ...threads } = options;
    checkAdamW({ beta1, beta2, eps });
    super("AdamW", store, groups, threads);
    this.job.scalars[SCALAR.beta1] = beta1;
    this.job.scalars[SCALAR.beta2] = beta2;
    this.job.scalars[SCALAR.eps] = eps;
  }

  protected override update(scalars: Scalars): void {
    this.run(OPERATION.adamw, scalars);
  }
}
