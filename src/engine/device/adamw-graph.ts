import { add, div, input, mul, reduceSum, scalar, sqrt, sub } from "../graph/builders.ts";
import { type Graph, graph } from "../graph/graph.ts";
import type { Shape, Value } from "../graph/types.ts";
import type { ParameterGroup } from "../optim/parameter-groups.ts";
import type { AdamWSettings, OptimizerStep } from "../optim/step-options.ts";
import type { Arena } from "../parameters/store-layout.ts";

/** A trainable tensor, and how it is treated. */
export interface SteppedTensor {
  name: string;
  shape: Shape;
  group: ParameterGroup;
}

/** The input by which a graph reads a quantity of a tensor. */
export const arenaInput = (arena: Arena, name: string): string => `${arena}/${name}`;

/** The output by which a graph gives the next value of a quantity of a tensor. */
export const nextOutput = (arena: Arena, name: string): string => `next/${arena}/${name}`;

/** Groups differ in two numbers of a step; tensors of one learning rate and decay share them. */
const rateKey = ({ lrScale, weightDecay }: ParameterGroup): string => `${lrScale}/${weightDecay}`;

/**
 * One AdamW update of tensors, as a graph: it reads parameter, gradient and both moments of each, the average too with
 * `ema`, and gives the next values of all but the gradient. Numbers that change from step to step are inputs of shape [],
 * which {@link stepScalars} gives. Of each quantity the old value is read by nodes that the new one depends on, so that it
 * may be written to the same memory.
 *
 * Source: Loshchilov and Hutter 2019, algorithm 2, with the corrections of bias in step and eps, as Kingma and Ba 2015,
 * section 2, order them: fewer passes over memory than torch.optim.AdamW's order.
 */
export function adamwGraph(
  tensors: readonly SteppedTensor[],
  settings: AdamWSettings,
  { ema }: { ema: boolean },
): Graph {
  const { beta1, beta2 } = settings;
  const scalars = new Map<string, Value>();
  const told = (name: string): Value => {
    const value = scalars.get(name) ?? input(name, []);
    scalars.set(name, value);
    return value;
  };
  const outputs = new Map<string, Value>();
  for (const { name, shape, group } of tensors) {
    const old = (arena: Arena) => input(arenaInput(arena, name), shape);
    const parameter = old("parameter");
    const scaled = mul(old("gradient"), told("gradientScale"));
    const gradient = group.l2 ? add(scaled, mul(parameter, scalar(group.l2))) : scaled;
    const first = add(mul(old("firstMoment"), scalar(beta1)), mul(gradient, scalar(1 - beta1)));
    const squares = mul(mul(gradient, scalar(1 - beta2)), gradient);
    const second = add(mul(old("secondMoment"), scalar(beta2)), squares);
    const movement = div(mul(first, told(`step/${rateKey(group)}`)), add(sqrt(second), told("eps")));
    const next = sub(mul(parameter, told(`keep/${rateKey(group)}`)), movement);
    outputs.set(nextOutput("firstMoment", name), first);
    outputs.set(nextOutput("secondMoment", name), second);
    outputs.set(nextOutput("parameter", name), next);
    if (!ema) continue;
    const average = add(mul(old("ema"), told("emaDecay")), mul(next, told("emaTowards")));
    outputs.set(nextOutput("ema", name), average);
  }
  return graph(ema ? "adamw with average" : "adamw", outputs);
}

/** The numbers of a step that {@link adamwGraph} is fed, by the names of its inputs. @param gradientScale clipping included. */
export function stepScalars(
  groups: Iterable<ParameterGroup>,
  { beta1, beta2, eps }: AdamWSettings,
  { lr, stepIndex, emaDecay }: Pick<OptimizerStep, "lr" | "stepIndex" | "emaDecay">,
  gradientScale: number,
): Record<string, number> {
  const rootCorrection = Math.sqrt(1 - beta2 ** stepIndex);
  const scalars: Record<string, number> = { gradientScale, eps: eps * rootCorrection };
  for (const group of groups) {
    const rate = lr * group.lrScale;
    scalars[`step/${rateKey(group)}`] = (rate * rootCorrection) / (1 - beta1 ** stepIndex);
    scalars[`keep/${rateKey(group)}`] = 1 - rate * group.weightDecay;
  }
  if (emaDecay !== undefined) Object.assign(scalars, { emaDecay, emaTowards: 1 - emaDecay });
  return scalars;
}

/** The sum of squares of all gradients, as `squares` []. Rows first: short sums lose less, and run side by side. */
export function squaresGraph(tensors: readonly SteppedTensor[]): Graph {
  const sums = tensors.map(({ name, shape }) => {
    const gradient = input(arenaInput("gradient", name), shape);
    const rows = shape.length > 0 ? reduceSum(mul(gradient, gradient), [shape.length - 1]) : mul(gradient, gradient);
    return rows.shape.length > 0 ? reduceSum(rows, Array.from(rows.shape.keys())) : rows;
  });
  return graph("squares", { squares: pairwise(sums) });
}

/** accumulator · `kept` + gradient, of every tensor: `kept` [] is 0 for the first of a group of micro-batches, then 1. */
export function accumulationGraph(tensors: readonly SteppedTensor[]): Graph {
  const kept = input("kept", []);
  const sums = tensors.map(({ name, shape }): [string, Value] => {
    const [sum, gradient] = [input(arenaInput("accumulator", name), shape), input(arenaInput("gradient", name), shape)];
    return [nextOutput("accumulator", name), add(mul(sum, kept), gradient)];
  });
  return graph("accumulation", new Map(sums));
}

function pairwise(values: readonly Value[]): Value {
  if (values.length === 1) return values[0] as Value;
  const half = values.length >> 1;
  return add(pairwise(values.slice(0, half)), pairwise(values.slice(half)));
}
