import { expect, test } from "vitest";
import { input } from "../../../src/graph/builders.ts";
import { graph } from "../../../src/graph/graph.ts";
import { interpret } from "../../../src/graph/interpreter.ts";
import { crossEntropy, meanSquaredError, softmaxCrossEntropy } from "../../../src/nn/losses.ts";
import { nodeBackend } from "../../../src/runtime/node-backend.ts";
import { compile, Program } from "../../../src/runtime/program.ts";

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
