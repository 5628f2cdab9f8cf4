import type { Warp } from "../../geometry/warps.ts";
import type { RandomStream } from "../../support/random.ts";
import {
  type AutoAugmentPlan,
  type Deviation,
  MAGNITUDES,
  type PolicyPlan,
  type RandAugmentPlan,
} from "./auto-augment-plan.ts";
import type { Canvas } from "./canvas.ts";
import type { WarpFilter } from "./geometric.ts";
import { applyOperation, isSigned, levelArgument, type OperationName } from "./operations.ts";
import type { FilterChoice } from "./plan.ts";
import type { SubPolicy } from "./policies.ts";

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
