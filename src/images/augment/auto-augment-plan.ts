import { MsmaeError } from "../../support/errors.ts";
import type { OperationName } from "./operations.ts";
import { autoAugmentPolicies, randChoices, randIncreasing, randOperations, type SubPolicy } from "./policies.ts";

/** How much a magnitude varies around its value: a normal deviation, or uniform from 0 to the value. */
export type Deviation = number | "uniform";

/** RandAugment: `layers` operations drawn per image, each applied with `probability`. */
export interface RandAugmentPlan {
  kind: "rand";
  operations: readonly OperationName[];
  /** Relative weights of the operations, which are then drawn without replacement. */
  weights?: readonly number[];
  layers: number;
  probability: number;
  magnitude: number;
  deviation: Deviation;
  /** Largest magnitude after its deviation. */
  limit: number;
}

/** AutoAugment: one sub-policy drawn per image. */
export interface PolicyPlan {
  kind: "policy";
  policy: readonly SubPolicy[];
  deviation: number;
}

export type AutoAugmentPlan = RandAugmentPlan | PolicyPlan;

/** The largest magnitude, unless a configuration says otherwise. */
export const MAGNITUDES = 10;
const LAYERS = 2;

/**
 * Reads timm's configuration of automatic augmentation: `rand-m9-mstd0.5-inc1` with m (magnitude 0…10), n (operations
 * per image), p (probability of each), mstd (deviation of the magnitude; above 100 uniform), mmax (largest magnitude),
 * inc (1: stronger with the magnitude), t (weights, 3a, 3aw: choice of operations), in any order; or a policy: original,
 * originalr, v0, v0r or 3a, with mstd.
 *
 * @throws MsmaeError Config when a part is not understood.
 * Source: timm 1.0 `rand_augment_transform`, `auto_augment_transform`.
 */
export function parseAutoAugment(text: string): AutoAugmentPlan {
  const [name = "", ...parts] = text.split("-");
  if (name === "rand") return parseRand(text, parts);
  const policy = Object.hasOwn(autoAugmentPolicies, name) ? autoAugmentPolicies[name] : undefined;
  if (!policy) throw problem(text, `rand or one of ${Object.keys(autoAugmentPolicies).join(", ")}`, `"${name}"`);
  let deviation = 0;
  for (const part of parts) {
    const { key, value } = split(part);
    if (key !== "mstd") throw problem(text, `mstd and a number after ${name}`, `"${part}"`);
    deviation = positive(text, part, value);
  }
  return { kind: "policy", policy, deviation };
}

function parseRand(text: string, parts: readonly string[]): RandAugmentPlan {
  const plan = { layers: LAYERS, probability: 0.5, magnitude: MAGNITUDES, limit: MAGNITUDES };
  let deviation: Deviation = 0;
  let increasing = false;
  let choice: string | undefined;
  for (const part of parts) {
    const { key, value } = split(part);
    // A choice's name may hold digits.
    if (part.startsWith("t")) choice = part.slice(1);
    else if (key === "m") plan.magnitude = whole(text, part, value);
    else if (key === "n") plan.layers = whole(text, part, value);
    else if (key === "mmax") plan.limit = whole(text, part, value) || MAGNITUDES;
    else if (key === "inc") increasing = whole(text, part, value) !== 0;
    else if (key === "mstd") deviation = positive(text, part, value) > 100 ? "uniform" : Number(value);
    else if (key === "p") {
      plan.probability = positive(text, part, value);
      if (plan.probability > 1) throw problem(text, "a probability of at most 1", `"${part}"`);
    } else if (key === "w") {
      throw problem(text, "tweights, since timm gave up its old w0", `"${part}"`);
    } else throw problem(text, "m, n, p, mstd, mmax, inc or t with a value", `"${part}"`);
  }
  const { operations, weights } = chooseOperations(text, choice, increasing);
  if (weights && plan.layers > operations.length) {
    throw problem(text, `at most ${operations.length} of the weighted operations (n)`, `n${plan.layers}`);
  }
  return { kind: "rand", operations, ...(weights ? { weights } : {}), ...plan, deviation };
}

function chooseOperations(text: string, choice: string | undefined, increasing: boolean) {
  if (choice === undefined) return { operations: increasing ? randIncreasing : randOperations };
  const chosen = Object.hasOwn(randChoices, choice) ? randChoices[choice] : undefined;
  if (!chosen) throw problem(text, `t with one of ${Object.keys(randChoices).join(", ")}`, `"t${choice}"`);
  if (Array.isArray(chosen)) return { operations: chosen as readonly OperationName[] };
  return { operations: Object.keys(chosen) as OperationName[], weights: Object.values(chosen) as number[] };
}

/** The text before the first digit, and the rest. */
function split(part: string): { key: string; value: string } {
  const at = part.search(/\d/);
  return at < 0 ? { key: part, value: "" } : { key: part.slice(0, at), value: part.slice(at) };
}

function whole(text: string, part: string, value: string): number {
  if (!/^\d{1,4}$/.test(value)) throw problem(text, "a whole number", `"${part}"`);
  return Number(value);
}

function positive(text: string, part: string, value: string): number {
  if (!/^\d+(\.\d*)?$/.test(value)) throw problem(text, "a number", `"${part}"`);
  return Number(value);
}

function problem(text: string, expected: string, got: string): MsmaeError {
  const todo = "write it as timm does, for example rand-m9-mstd0.5-inc1";
  return new MsmaeError("Config", { where: `automatic augmentation "${text}"`, expected, got, todo });
}
