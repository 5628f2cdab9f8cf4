import type { ParameterStore } from "../parameters/parameter-store.ts";
import { Optimizer, type OptimizerStep, type OptimizerThreads, type Scalars, settingCheck } from "./optimizer.ts";
import { OPERATION, SCALAR } from "./optimizer-job.ts";
import type { ParameterGroup } from "./parameter-groups.ts";

/** What stays the same over all steps. */
export interface AdamWOptions extends OptimizerThreads {
  /** Decay of the first moment. */
  beta1: number;
  /** Decay of the second moment. */
  beta2: number;
  /** Added to the root of the second moment. */
  eps: number;
}

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
    const check = settingCheck("AdamW");
    check("beta1", beta1, beta1 >= 0 && beta1 < 1, "a number in [0, 1)");
    check("beta2", beta2, beta2 >= 0 && beta2 < 1, "a number in [0, 1)");
    check("eps", eps, eps > 0 && Number.isFinite(eps), "a positive number");
    super("AdamW", store, groups, threads);
    this.job.scalars[SCALAR.beta1] = beta1;
    this.job.scalars[SCALAR.beta2] = beta2;
    this.job.scalars[SCALAR.eps] = eps;
  }

  protected override update(scalars: Scalars): void {
    this.run(OPERATION.adamw, scalars);
  }
}
