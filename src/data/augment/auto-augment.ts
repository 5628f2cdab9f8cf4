import { MsmaeError } from "../../errors.ts";
import type { RandomStream } from "../../random.ts";
import type { Warp } from "../raster.ts";
import type { Canvas } from "./canvas.ts";
import type { WarpFilter } from "./geometric.ts";
import { applyOperation, isSigned, levelArgument, type OperationName } from "./operations.ts";
import { autoAugmentPolicies, randChoices, randIncreasing, randOperations, type SubPolicy } from "./policies.ts";

/** How much a magnitude varies around its value: a normal deviation, or uniform from 0 to the value. */
type Deviation = number | "uniform";

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

/** How warps sample: by one filter, or bilinearly or bicubically with probability 0.5 each. */
export type FilterChoice = WarpFilter | "random";

const MAGNITUDES = 10;
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

/** Draws and applies operations; gives the warps among them in their order. */
export function autoAugment(
  canvas: Canvas,
  plan: AutoAugmentPlan,
  stream: RandomStream,
  filter: FilterChoice,
  fill: readonly number[],
): Warp[] {
  const steps = plan.kind === "rand" ? randSteps(plan, stream) : drawPolicy(plan, stream);
  const limit = plan.kind === "rand" ? plan.limit : MAGNITUDES;
  const warps: Warp[] = [];
  for (const [name, probability, middle] of steps) {
    if (stream.uniform() >= probability) continue;
    const magnitude = Math.max(0, Math.min(limit, vary(middle, plan.deviation, stream)));
    const sign = isSigned(name) && stream.uniform() < 0.5 ? -1 : 1;
    const argument = levelArgument(name, magnitude, sign, Math.min(canvas.height, canvas.width));
    const sigma = () => 0.1 + (2 * argument - 0.1) * stream.uniform();
    const style = { filter: drawFilter(filter, stream), fill };
    const warp = applyOperation(canvas, name, name === "GaussianBlurRand" ? sigma() : argument, style);
    if (warp) warps.push(warp);
  }
  return warps;
}

/** The filter of one warp. */
export function drawFilter(filter: FilterChoice, stream: RandomStream): WarpFilter {
  if (filter !== "random") return filter;
  return stream.uniform() < 0.5 ? "bilinear" : "bicubic";
}

function vary(magnitude: number, deviation: Deviation, stream: RandomStream): number {
  if (deviation === "uniform") return magnitude * stream.uniform();
  return deviation > 0 ? magnitude + deviation * stream.normal() : magnitude;
}

function drawPolicy({ policy }: PolicyPlan, stream: RandomStream): SubPolicy {
  return policy[stream.integer(0, policy.length - 1)] as SubPolicy;
}

function randSteps({ operations, weights, layers, probability, magnitude }: RandAugmentPlan, stream: RandomStream) {
  const left = weights?.slice();
  return Array.from({ length: layers }, () => {
    const at = left ? drawWeighted(left, stream) : stream.integer(0, operations.length - 1);
    if (left) left[at] = 0;
    return [operations[at] as OperationName, probability, magnitude] as const;
  });
}

function drawWeighted(weights: readonly number[], stream: RandomStream): number {
  let rest = stream.uniform() * weights.reduce((a, b) => a + b, 0);
  const at = weights.findIndex((weight) => {
    rest -= weight;
    return rest < 0;
  });
  // Rounding may leave a rest of 0 after the last weight.
  return at >= 0 ? at : weights.findLastIndex((weight) => weight > 0);
}
