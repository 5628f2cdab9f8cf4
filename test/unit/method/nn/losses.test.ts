import { describe, expect, test } from "vitest";
import { gradients } from "../../../../src/engine/autodiff/gradients.ts";
import { input } from "../../../../src/engine/graph/builders.ts";
import { graph } from "../../../../src/engine/graph/graph.ts";
import { interpret } from "../../../../src/engine/graph/interpreter.ts";
import type { Value } from "../../../../src/engine/graph/types.ts";
import { nodeBackend } from "../../../../src/engine/runtime/node-backend.ts";
import { compile, Program } from "../../../../src/engine/runtime/program.ts";
import {
  crossEntropy,
  focalLoss,
  meanSquaredError,
  softmaxCrossEntropy,
  weightedBinaryCrossEntropy,
  weightedHuber,
} from "../../../../src/method/nn/losses.ts";
import torch from "./torch-losses.json" with { type: "json" };

test("the mean squared error of a million values keeps fp32 accuracy", async () => {
  const [rows, values] = [1408, 768];
  const loss = meanSquaredError(input("prediction", [rows, values]), input("target", [rows, values]));
  const squares = graph("mse", { loss });
  // A fixed sequence without pattern: the fractional parts of multiples of the golden ratio.
  const prediction = Float32Array.from({ length: rows * values }, (_, i) => (i * 0.6180339887498949) % 1);
  const feeds = { prediction, target: new Float32Array(rows * values) };
  const exact = interpret(squares, feeds).get("loss")?.data[0] as number;
  const program = await Program.load(nodeBackend, compile(squares, "cpu"), { provider: "cpu", threads: 1 });
  const got = (await program.run(feeds)).loss?.[0] as number;
  await program.release();
  expect(exact).toBeCloseTo(1 / 3, 5);
  expect(Math.abs(got / exact - 1)).toBeLessThan(1e-6);
});

const evaluate = (criterion: typeof crossEntropy, logits: number[], targets: number[], classes: number) => {
  const shape = [logits.length / classes, classes];
  const loss = criterion(input("logits", shape), input("targets", shape));
  return interpret(graph("loss", { loss }), { logits, targets }).get("loss")?.data[0] as number;
};

test("cross-entropy is the mean over images of -Σ targets · log softmax, also for soft targets", () => {
  const logits = [Math.log(1), Math.log(3), Math.log(2), Math.log(2)];
  const expected = -(Math.log(3 / 4) + 0.25 * Math.log(1 / 2) + 0.75 * Math.log(1 / 2)) / 2;
  expect(evaluate(crossEntropy, logits, [0, 1, 0.25, 0.75], 2)).toBeCloseTo(expected, 14);
});

test("softmax-ce applies softmax twice", () => {
  const expected = -Math.log(Math.exp(3 / 4) / (Math.exp(1 / 4) + Math.exp(3 / 4)));
  expect(evaluate(softmaxCrossEntropy, [Math.log(1), Math.log(3)], [0, 1], 2)).toBeCloseTo(expected, 14);
});

/** Loss and gradient of the logits, in float64 or on ONNX Runtime's CPU provider. */
async function lossAndGradient(
  criterion: (logits: Value, targets: Value) => Value,
  feeds: { logits: number[]; targets: number[] },
  executor: "float64" | "cpu",
) {
  const shape = [torch.rows, feeds.logits.length / torch.rows];
  const logits = input("logits", shape);
  const loss = criterion(logits, input("targets", shape));
  const [gradient] = gradients(loss, [logits]) as [Value];
  const step = graph("loss", { loss, gradient });
  if (executor === "float64") {
    const results = interpret(step, feeds);
    return { loss: results.get("loss")?.data[0] as number, gradient: results.get("gradient")?.data as Float64Array };
  }
  const program = await Program.load(nodeBackend, compile(step, "cpu"), { provider: "cpu", threads: 1 });
  const results = await program.run({
    logits: Float32Array.from(feeds.logits),
    targets: Float32Array.from(feeds.targets),
  });
  await program.release();
  return { loss: results.loss?.[0] as number, gradient: results.gradient as Float32Array };
}

describe.each([
  ["float64", 1e-12],
  // fp32 rounding of a handful of operations.
  ["cpu", 2e-6],
] as const)("against PyTorch, on %s", (executor, tolerance) => {
  const agree = (got: { loss: number; gradient: ArrayLike<number> }, want: { loss: number; gradient: number[] }) => {
    expect(Math.abs(got.loss / want.loss - 1)).toBeLessThan(tolerance);
    want.gradient.forEach((value, i) => {
      expect(Math.abs((got.gradient[i] as number) - value)).toBeLessThan(tolerance);
    });
  };

  test.each(Object.keys(torch.focal) as (keyof typeof torch.focal)[])("focal loss, gamma %s", async (gamma) => {
    const criterion = (logits: Value, targets: Value) => focalLoss(logits, targets, Number(gamma));
    agree(await lossAndGradient(criterion, torch, executor), torch.focal[gamma]);
  });

  test("targets times class weights give CrossEntropyLoss(weight) with soft targets", async () => {
    const targets = torch.targets.map((target, at) => target * (torch.weights[at % torch.weights.length] as number));
    agree(await lossAndGradient(crossEntropy, { ...torch, targets }, executor), torch.weighted);
  });

  test("the gradient stays finite where a probability rounds to one or to zero", async () => {
    for (const gamma of [0, 0.5, 1, 2, 5]) {
      const feeds = { logits: [90, -90, 0, 0, 0, 200, 0, 0, 17, 0, 0, 0], targets: torch.targets };
      const got = await lossAndGradient((l, t) => focalLoss(l, t, gamma), feeds, executor);
      expect(Number.isFinite(got.loss)).toBe(true);
      expect([...got.gradient].every(Number.isFinite)).toBe(true);
    }
  });
});

test("focal loss of gamma 0 is the cross-entropy", () => {
  const values = [torch.logits, torch.targets, torch.weights.length] as const;
  const focal = evaluate((logits, targets) => focalLoss(logits, targets, 0), ...values);
  expect(focal).toBeCloseTo(evaluate(crossEntropy, ...values), 12);
});

test.each([0.5, 2, 3.5])("focal vjp matches central differences on [3,4], gamma %s", async (gamma) => {
  const criterion = (logits: Value, targets: Value) => focalLoss(logits, targets, gamma);
  const { gradient } = await lossAndGradient(criterion, torch, "float64");
  torch.logits.forEach((logit, at) => {
    const h = 1e-5;
    const [up, down] = [logit + h, logit - h].map((value) =>
      evaluate(criterion, torch.logits.with(at, value), torch.targets, torch.weights.length),
    ) as [number, number];
    expect((up - down) / (2 * h)).toBeCloseTo(gradient[at] as number, 8);
  });
});

describe("weighted binary cross-entropy", () => {
  const logits = [-1.5, 0, 2, 0.3, -80, 120];
  const targets = [1, 0, 0.75, 0, 0, 1];
  const weights = [0.5, 0.25, 0, 0.125, 0.0625, 0.0625];
  const loss = (x: readonly number[], t: readonly number[] = targets) => {
    const [a, b, w] = ["logits", "targets", "weights"].map((name) => input(name, [2, 3])) as [Value, Value, Value];
    const step = graph("loss", { loss: weightedBinaryCrossEntropy(a, b, w) });
    return interpret(step, { logits: [...x], targets: [...t], weights }).get("loss")?.data[0] as number;
  };

  test("sums what counts, without overflow", () => {
    const expected = 0.5 * Math.log(1 + Math.exp(1.5)) + 0.25 * Math.log(2) + 0.125 * Math.log(1 + Math.exp(0.3));
    expect(loss(logits)).toBeCloseTo(expected, 14);
    expect(loss(logits, targets.with(2, 0))).toBe(loss(logits));
  });

  test("vjp matches central differences on [2,3], and is that of the sigmoid at 0", () => {
    const x = input("logits", [2, 3]);
    const value = weightedBinaryCrossEntropy(x, input("targets", [2, 3]), input("weights", [2, 3]));
    const [gradient] = gradients(value, [x]) as [Value];
    const got = interpret(graph("loss", { gradient }), { logits, targets, weights }).get("gradient")
      ?.data as Float64Array;
    expect(got[1]).toBeCloseTo(0.25 * 0.5, 14);
    for (const at of logits.keys()) {
      if (at === 1) continue;
      const h = 1e-5;
      const [up, down] = [h, -h].map((by) => loss(logits.with(at, (logits[at] as number) + by))) as [number, number];
      expect((up - down) / (2 * h)).toBeCloseTo(got[at] as number, 8);
    }
  });
});

test("the Huber loss is half the square up to 1 and |d| − ½ beyond, and its vjp matches central differences", () => {
  const logits = [0.5, -0.75, 3, -2.5, 1, 0.25];
  const targets = [0, 0, 0, 0.5, -0.5, 0.5];
  const weights = [0.5, 0.25, 0.125, 0.0625, 0.0625, 0];
  const x = input("logits", [6, 1]);
  const value = weightedHuber(x, input("targets", [6, 1]), input("weights", [6, 1]));
  const [gradient] = gradients(value, [x]) as [Value];
  const step = graph("loss", { loss: value, gradient });
  const loss = (at: readonly number[]) =>
    interpret(step, { logits: [...at], targets, weights }).get("loss")?.data[0] as number;
  const each = [0.125, 0.28125, 2.5, 2.5, 1, 0];
  expect(loss(logits)).toBeCloseTo(
    each.reduce((sum, one, i) => sum + one * (weights[i] as number), 0),
    14,
  );
  const got = interpret(step, { logits, targets, weights }).get("gradient")?.data as Float64Array;
  for (const at of logits.keys()) {
    const [up, down] = [1e-5, -1e-5].map((by) => loss(logits.with(at, (logits[at] as number) + by))) as [
      number,
      number,
    ];
    expect((up - down) / 2e-5).toBeCloseTo(got[at] as number, 8);
  }
});
