import { describe, expect, test } from "vitest";
import {
  accumulationGraph,
  adamwGraph,
  arenaInput,
  nextOutput,
  type SteppedTensor,
  squaresGraph,
  stepScalars,
} from "../../../../src/engine/device/adamw-graph.ts";
import type { Graph } from "../../../../src/engine/graph/graph.ts";
import { interpret } from "../../../../src/engine/graph/interpreter.ts";
import { compile } from "../../../../src/engine/runtime/program.ts";
import { RandomStream } from "../../../../src/support/random.ts";
import { type AdamWTensor, adamwReference, globalNorm } from "../../../support/adamw-reference.ts";

const settings = { beta1: 0.9, beta2: 0.95, eps: 1e-3 };
const tensors: SteppedTensor[] = [
  { name: "bias", shape: [5], group: { lrScale: 1, weightDecay: 0 } },
  { name: "weight", shape: [3, 4], group: { lrScale: 0.5, weightDecay: 0.05 } },
  { name: "kernel", shape: [2, 1, 2, 3], group: { lrScale: 0.5, weightDecay: 0.05, l2: 0.3 } },
  { name: "one", shape: [], group: { lrScale: 0.25, weightDecay: 0.2 } },
];
const stream = RandomStream.for(5, "initialisation");
const draw = (shape: readonly number[]) =>
  Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => stream.normal());

const run = (graph: Graph, feeds: Record<string, Float64Array>) =>
  new Map([...interpret(graph, feeds)].map(([name, { data }]) => [name, Float64Array.from(data)]));

test.each([false, true])("five steps in float64 are AdamW's, with average: %s", (ema) => {
  const graph = adamwGraph(tensors, settings, { ema });
  const held = new Map<string, AdamWTensor & { ema: Float64Array }>();
  for (const { name, shape } of tensors) {
    const parameter = draw(shape);
    const zeros = () => new Float64Array(parameter.length);
    const average = draw(shape);
    held.set(name, { parameter, gradient: zeros(), firstMoment: zeros(), secondMoment: zeros(), ema: average });
  }
  for (let stepIndex = 1; stepIndex <= 5; stepIndex++) {
    const step = { lr: 0.1 / stepIndex, stepIndex, ...(ema && { emaDecay: 0.8 }) };
    const scalars = stepScalars(
      tensors.map(({ group }) => group),
      settings,
      step,
      0.7,
    );
    const feeds = Object.entries(scalars).map(([name, value]) => [name, Float64Array.of(value)]);
    for (const { name, shape } of tensors) {
      const tensor = held.get(name) as AdamWTensor & { ema: Float64Array };
      tensor.gradient.set(draw(shape));
      const arenas = [
        "parameter",
        "gradient",
        "firstMoment",
        "secondMoment",
        ...(ema ? (["ema"] as const) : []),
      ] as const;
      for (const arena of arenas) feeds.push([arenaInput(arena, name), tensor[arena].slice()]);
    }
    const next = run(graph, Object.fromEntries(feeds));
    for (const { name, group } of tensors) {
      const tensor = held.get(name) as AdamWTensor & { ema: Float64Array };
      const { lrScale, ...decay } = group;
      adamwReference(tensor, { ...settings, ...decay, lr: step.lr * lrScale, stepIndex, gradientScale: 0.7 });
      for (const [i, value] of tensor.ema.entries()) tensor.ema[i] = value + 0.2 * ((tensor.parameter[i] ?? 0) - value);
      for (const arena of ["parameter", "firstMoment", "secondMoment", ...(ema ? (["ema"] as const) : [])] as const) {
        const got = next.get(nextOutput(arena, name));
        expect(got?.length).toBe(tensor[arena].length);
        tensor[arena].forEach((value, i) => {
          expect(Math.abs((got?.[i] ?? Number.NaN) - value), `${arena} of ${name}`).toBeLessThan(1e-12);
        });
      }
      expect(next.has(nextOutput("ema", name))).toBe(ema);
    }
  }
});

test("the sum of squares is of all gradients, whatever their rank", () => {
  const gradients = new Map(tensors.map(({ name, shape }) => [name, draw(shape)]));
  const feeds = [...gradients].map(([name, data]) => [arenaInput("gradient", name), data]);
  const { data } = interpret(squaresGraph(tensors), Object.fromEntries(feeds)).get("squares") as { data: Float64Array };
  expect(data.length).toBe(1);
  expect(Math.sqrt(data[0] as number)).toBeCloseTo(globalNorm(gradients.values()), 12);
});

test.each([0, 1])("micro-batches add up; sums that were used up (kept %d) do not count", (kept) => {
  const feeds: Record<string, Float64Array> = { kept: Float64Array.of(kept) };
  for (const { name, shape } of tensors) {
    feeds[arenaInput("accumulator", name)] = draw(shape);
    feeds[arenaInput("gradient", name)] = draw(shape);
  }
  const sums = run(accumulationGraph(tensors), feeds);
  for (const { name } of tensors) {
    const [before, gradient] = [feeds[arenaInput("accumulator", name)], feeds[arenaInput("gradient", name)]];
    const expected = gradient?.map((value, i) => kept * (before?.[i] as number) + value);
    expect(sums.get(nextOutput("accumulator", name))).toEqual(expected);
  }
});

describe("on WebGPU", () => {
  test.each([
    ["the step", adamwGraph(tensors, settings, { ema: true })],
    ["the norm", squaresGraph(tensors)],
    ["accumulation", accumulationGraph(tensors)],
  ])("%s is written in operators that it has", (_, graph) => {
    expect(compile(graph, "webgpu").model.length).toBeGreaterThan(100);
  });
});
