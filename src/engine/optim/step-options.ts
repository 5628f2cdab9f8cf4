import { MsmaeError } from "../../support/errors.ts";
import type { Arena, ParameterStore } from "../parameters/parameter-store.ts";
import type { ParameterGroup } from "./parameter-groups.ts";

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

/** AdamW's settings, which stay the same over all steps. */
export interface AdamWSettings {
  /** Decay of the first moment. */
  beta1: number;
  /** Decay of the second moment. */
  beta2: number;
  /** Added to the root of the second moment. */
  eps: number;
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

/** @throws MsmaeError "Config" for settings of AdamW out of range. */
export function checkAdamW({ beta1, beta2, eps }: AdamWSettings): void {
  const check = settingCheck("AdamW");
  check("beta1", beta1, beta1 >= 0 && beta1 < 1, "a number in [0, 1)");
  check("beta2", beta2, beta2 >= 0 && beta2 < 1, "a number in [0, 1)");
  check("eps", eps, eps > 0 && Number.isFinite(eps), "a positive number");
}

/** @throws MsmaeError "Config" for numbers out of range, or groups that do not name the store's trainable tensors exactly. */
export function checkGroups(
  check: SettingCheck,
  groups: ReadonlyMap<string, ParameterGroup>,
  store: ParameterStore,
): void {
  const atLeast0 = "a number of at least 0";
  for (const [tensor, { lrScale, weightDecay }] of groups) {
    check(`lrScale of "${tensor}"`, lrScale, lrScale >= 0 && lrScale < Infinity, atLeast0);
    check(`weightDecay of "${tensor}"`, weightDecay, weightDecay >= 0 && weightDecay < Infinity, atLeast0);
  }
  const missing = store.trainableNames.filter((name) => !groups.has(name));
  const unknown = [...groups.keys()].filter((name) => !store.has(name) || store.roleOf(name) !== "trainable");
  if (missing.length > 0 || unknown.length > 0) {
    throw new MsmaeError("Config", {
      where: "parameter groups",
      expected: "every trainable tensor in one group",
      got: `no group for [${missing.slice(0, 5).join(", ")}], no such tensor [${unknown.slice(0, 5).join(", ")}]`,
      todo: "make the groups from the store's trainable names",
    });
  }
}

/** @throws MsmaeError "Config" where a store lacks what an optimiser needs of it. */
export function checkArena(check: SettingCheck, store: ParameterStore, arena: Arena): void {
  check("store", `one without ${arena} values`, store.keeps(arena), `a store that keeps ${arena} values`);
}

/** @throws MsmaeError "Config" for numbers out of range, or what the store has no room for. */
export function checkStep(check: SettingCheck, store: ParameterStore, options: OptimizerStep): void {
  const { lr, stepIndex, clipNorm, emaDecay, fromAccumulator = false, gradientScale = 1 } = options;
  check("lr", lr, Number.isFinite(lr) && lr >= 0, "a number of at least 0");
  check("stepIndex", stepIndex, Number.isInteger(stepIndex) && stepIndex >= 1, "a whole number of at least 1");
  check("gradientScale", gradientScale, Number.isFinite(gradientScale), "a finite number");
  if (emaDecay !== undefined) {
    check("emaDecay", emaDecay, emaDecay >= 0 && emaDecay <= 1, "a number in [0, 1]");
    checkArena(check, store, "ema");
  }
  if (fromAccumulator) checkArena(check, store, "accumulator");
  if (clipNorm !== undefined) check("clipNorm", clipNorm, clipNorm > 0, "a positive number");
}

/**
 * The global L2 norm of the scaled gradients, from the sum of their squares before scaling.
 *
 * @throws MsmaeError "NonFiniteLoss" where it is not finite.
 */
export function finiteNorm(optimizer: string, sumOfSquares: number, gradientScale: number): number {
  const norm = Math.abs(gradientScale) * Math.sqrt(sumOfSquares);
  if (Number.isFinite(norm)) return norm;
  throw new MsmaeError("NonFiniteLoss", {
    where: optimizer,
    expected: "finite gradients",
    got: `a gradient norm of ${norm}`,
    todo: "lower the learning rate or set --clip-grad, and go on from the last good checkpoint",
  });
}
