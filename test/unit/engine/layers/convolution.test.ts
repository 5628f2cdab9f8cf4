import { describe, expect, test } from "vitest";
import { gradients } from "../../../../src/engine/autodiff/gradients.ts";
import { input, mul, reduceSum, relu } from "../../../../src/engine/graph/builders.ts";
import { type Graph, graph } from "../../../../src/engine/graph/graph.ts";
import { interpret } from "../../../../src/engine/graph/interpreter.ts";
import { sizeOf } from "../../../../src/engine/graph/shape.ts";
import type { Shape, Value } from "../../../../src/engine/graph/types.ts";
import { batchNorm, batchNormSpecs, conv2d, conv2dSpecs } from "../../../../src/engine/layers/convolution.ts";
import { type ResizeMode, resize2d } from "../../../../src/engine/layers/resize.ts";
import { initialStore } from "../../../../src/engine/parameters/initial-store.ts";
import { parameterInputs } from "../../../../src/engine/parameters/specs.ts";
import { nodeBackend } from "../../../../src/engine/runtime/node-backend.ts";
import { compile, Program } from "../../../../src/engine/runtime/program.ts";
import { MsmaeError } from "../../../../src/support/errors.ts";
import torch from "./torch-convolution.json" with { type: "json" };

/** The values that PyTorch was given: those of a sine, of which no two are alike. */
const wave = (phase: number, shape: Shape) =>
  Float64Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(phase + 1.7 * i));

const specs = [
  ...conv2dSpecs("c1", { inChannels: 3, outChannels: 5, kernel: [3, 3], bias: false }),
  ...batchNormSpecs("bn", 5),
  ...conv2dSpecs("c2", { inChannels: 5, outChannels: 2, kernel: [3, 3], bias: true }),
];
const trainable = ["c1.weight", "bn.weight", "bn.bias", "c2.weight", "c2.bias"];
const imageShape = [2, 3, 3, 4];

/** Conv, BatchNorm, ReLU, resize and Conv with stride 2, with every derivative and what becomes of the statistics. */
function head(mode: "training" | "evaluation"): Graph {
  const p = parameterInputs(specs);
  const x = input("x", imageShape);
  const normalized = batchNorm(conv2d(x, p, "c1", { bias: false, pads: [1, 1, 1, 1] }), p, "bn", mode);
  const resized = resize2d(relu(normalized), [7, 9], "aligned");
  const y = conv2d(resized, p, "c2", { bias: true, strides: [2, 2], pads: [1, 1, 1, 1] });
  if (mode === "evaluation") return graph("evaluation", { y });
  const loss = reduceSum(mul(y, input("dy", y.shape)), [0, 1, 2, 3]);
  const wrt = [x, ...trainable.map(p)];
  const derivatives = gradients(loss, wrt).map((d, i) => [`d ${["x", ...trainable][i]}`, d] as const);
  const updates = [...p.updates].map(([name, next]) => [`next ${name}`, next] as const);
  return graph("training", { y, ...Object.fromEntries([...derivatives, ...updates]) });
}

const feeds = {
  x: wave(0, imageShape),
  "c1.weight": wave(1, [5, 3, 3, 3]),
  "bn.weight": wave(2, [5]),
  "bn.bias": wave(3, [5]),
  "c2.weight": wave(4, [2, 5, 3, 3]),
  "c2.bias": wave(5, [2]),
  "bn.running_mean": wave(6, [5]),
  "bn.running_var": wave(7, [5]).map((value) => 1.5 + value),
  dy: wave(8, torch.shape),
};

type Results = Readonly<Record<string, ArrayLike<number>>>;

function inFloat64(source: Graph, given: Readonly<Record<string, Float64Array>>): Results {
  return Object.fromEntries([...interpret(source, given)].map(([name, { data }]) => [name, data]));
}

async function onCpu(source: Graph, given: Readonly<Record<string, Float64Array>>): Promise<Results> {
  const compiled = compile(source, "cpu");
  const program = await Program.load(nodeBackend, compiled, { provider: "cpu", threads: 1 });
  const fed = Object.keys(compiled.inputs).map((name) => [name, Float32Array.from(given[name] as Float64Array)]);
  const results = await program.run(Object.fromEntries(fed));
  await program.release();
  return results as Results;
}

function expectClose(got: ArrayLike<number> | undefined, expected: number[], tolerance: number): void {
  expect(got?.length).toBe(expected.length);
  const allowed = tolerance * Math.max(1, ...expected.map(Math.abs));
  expected.forEach((value, i) => {
    expect(Math.abs((got?.[i] as number) - value), `element ${i}`).toBeLessThanOrEqual(allowed);
  });
}

/** Orders of float64 summation; a few dozen roundings of fp32. */
const executors = [
  ["float64", inFloat64, 1e-13],
  ["ONNX Runtime's CPU", onCpu, 3e-6],
] as const;

describe.each(executors)("a head of convolutions in %s equals PyTorch's", (_, run, tolerance) => {
  test("forward, every gradient and the running statistics in training", async () => {
    const results = await run(head("training"), feeds);
    expectClose(results.y, torch.training, tolerance);
    for (const [name, expected] of Object.entries(torch.gradients)) {
      expectClose(results[`d ${name}`], expected, tolerance);
    }
    expectClose(results["next bn.running_mean"], torch.running_mean, tolerance);
    expectClose(results["next bn.running_var"], torch.running_var, tolerance);
  });

  test("forward by the running statistics in evaluation", async () => {
    expectClose((await run(head("evaluation"), feeds)).y, torch.evaluation, tolerance);
  });

  test.each(torch.resized.map((entry) => [`${entry.mode}, ${entry.from} to ${entry.to}`, entry] as const))(
    "resize2d %s, and its derivative",
    async (_name, entry) => {
      const x = input("x", [1, 2, ...entry.from]);
      const y = resize2d(x, entry.to as [number, number], entry.mode as ResizeMode);
      const loss = reduceSum(mul(y, input("dy", y.shape)), [0, 1, 2, 3]);
      const dx = gradients(loss, [x])[0] as Value;
      const results = await run(graph("resize", { y, dx }), { x: wave(9, x.shape), dy: wave(10, y.shape) });
      expectClose(results.y, entry.values, tolerance);
      expectClose(results.dx, entry.gradient, tolerance);
    },
  );
});

test("batchNorm refuses to train with one value of a channel", () => {
  const p = parameterInputs(batchNormSpecs("bn", 5));
  const build = () => batchNorm(input("x", [1, 5, 1, 1]), p, "bn", "training");
  expect(build).toThrow(MsmaeError);
  expect(build).toThrow(/^bn: expected more than one value of each channel .* got \[1, 5, 1, 1\]/);
});

test("conv2dSpecs start as PyTorch's: weight and bias fill ±1 / √(values that one output reads)", () => {
  const made = conv2dSpecs("conv", { inChannels: 4, outChannels: 4096, kernel: [2, 8], bias: true });
  const store = initialStore(made, 0);
  for (const { name } of made) {
    const largest = store.parameter(name).reduce((a, value) => Math.max(a, Math.abs(value)), 0);
    expect(largest, name).toBeLessThanOrEqual(1 / 8);
    expect(largest, name).toBeGreaterThan(0.99 / 8);
  }
});
