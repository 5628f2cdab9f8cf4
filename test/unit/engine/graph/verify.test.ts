import { describe, expect, test } from "vitest";
import { gradients } from "../../../../src/engine/autodiff/gradients.ts";
import * as b from "../../../../src/engine/graph/builders.ts";
import { type Graph, graph, verify } from "../../../../src/engine/graph/graph.ts";
import { interpret } from "../../../../src/engine/graph/interpreter.ts";
import type { Node } from "../../../../src/engine/graph/types.ts";
import { MsmaeError } from "../../../../src/support/errors.ts";

function expectShapeError(build: () => unknown, ...parts: (string | RegExp)[]): void {
  let error: unknown;
  try {
    build();
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(MsmaeError);
  expect((error as MsmaeError).code).toBe("Shape");
  for (const part of parts) expect((error as MsmaeError).message).toMatch(part);
}

describe("verify refuses a graph", () => {
  const x = b.input("x", [2, 3]);
  const whole = graph("g", { y: b.exp(b.neg(x)) });
  const changed = (change: (nodes: Node[]) => Node[]): Graph => ({ ...whole, nodes: change([...whole.nodes]) });

  test("whose nodes stand before their inputs", () => {
    expectShapeError(
      () => verify(changed((nodes) => nodes.toReversed())),
      /graph "g", node \d+ Exp: expected its inputs before it/,
    );
  });

  test("that lacks a node", () => {
    expectShapeError(() => verify(changed((nodes) => nodes.filter(({ op }) => op !== "Neg"))), /Exp/);
    expectShapeError(() => verify(changed((nodes) => nodes.slice(0, -1))), /output "y": expected a node of the graph/);
  });

  test("with two inputs of one name", () => {
    expectShapeError(
      () => graph("g", { y: b.add(b.input("x", [2]), b.input("x", [2])) }),
      /input "x": expected one input of each name, got two/,
    );
  });

  test.each([
    ["shape", { shape: [3, 2] }],
    ["dtype", { dtype: "int64" as const }],
  ])("whose node claims another %s than its rule infers", (_, claim) => {
    const node = whole.nodes.at(-1) as Node;
    const outputs = node.outputs.map((output) => ({ ...output, ...claim }));
    expectShapeError(
      () => verify(changed((nodes) => [...nodes.slice(0, -1), { ...node, outputs }])),
      /Exp: expected float32 \[2, 3\]/,
    );
  });
});

describe("builders refuse operands that do not fit, naming the operator and both shapes", () => {
  const f = (...shape: number[]) => b.input("f", shape);
  const i = (...shape: number[]) => b.input("i", shape, "int64");
  const cases: [string, () => unknown, RegExp][] = [
    ["Add of shapes that do not broadcast", () => b.add(f(2, 3), f(2)), /Add: .*\[2, 3\] and \[2\]/],
    ["Mul of integers", () => b.mul(i(2), i(2)), /Mul: .*float32.*int64/],
    ["MatMul of other inner extents", () => b.matMul(f(2, 3), f(4, 5)), /MatMul/],
    ["MatMul of a vector", () => b.matMul(f(3), f(3, 2)), /MatMul/],
    ["Gemm of other inner extents", () => b.gemm(f(2, 3), f(2, 3)), /Gemm/],
    ["Gemm with a bias that does not broadcast", () => b.gemm(f(2, 3), f(3, 4), f(3)), /Gemm/],
    [
      "Softmax over an axis that is not there",
      () => b.softmax(f(2, 3), 2),
      /Softmax: expected an axis in \[-2, 1\], got 2/,
    ],
    [
      "LayerNormalization with a scale of another length",
      () => b.layerNormalization(f(2, 3), f(2), f(3), 1e-6),
      /LayerNormalization/,
    ],
    ["ReduceSum over an axis that is not there", () => b.reduceSum(f(2), [1]), /ReduceSum/],
    ["Reshape to another number of elements", () => b.reshape(f(2, 3), [5]), /Reshape/],
    ["Transpose by no permutation", () => b.transpose(f(2, 3), [0, 0]), /Transpose/],
    ["Expand to a smaller shape", () => b.expand(f(2, 3), [3]), /Expand/],
    ["Concat of other extents", () => b.concat([f(2, 3), f(3, 4)], 1), /Concat/],
    ["Split into sizes that do not add up", () => b.split(f(5), [2, 2], 0), /Split/],
    ["Gather by floats", () => b.gather(f(3), f(2), 0), /Gather/],
    ["Equal of other dtypes", () => b.equal(i(2), f(2)), /Equal/],
    ["a constant of another length", () => b.constant([1, 2], [3]), /constant: expected 3 elements, got 2/],
    [
      "an input of a broken extent",
      () => b.input("x", [2.5]),
      /input "x": expected whole, non-negative extents, got \[2.5\]/,
    ],
    [
      "the gradient of a loss that is no scalar",
      () => gradients(f(2), []),
      /gradients: expected a loss of one element, got \[2\]/,
    ],
  ];
  test.each(cases)("%s", (_, build, message) => expectShapeError(build, message));
});

test("an input of the wrong length, or none, is refused when the graph runs", () => {
  const doubled = graph("g", { y: b.add(b.input("x", [2]), b.scalar(1)) });
  expectShapeError(() => interpret(doubled, { x: [1] }), /input "x": expected 2 elements for \[2\], got 1/);
  expectShapeError(() => interpret(doubled, {}), /input "x".*no value/);
});

test("a value the loss does not depend on has a gradient of zeros", () => {
  const [x, unused] = [b.input("x", [2]), b.input("unused", [3])];
  const [dx, none] = gradients(b.reduceSum(x, [0]), [x, unused]);
  const outputs = interpret(graph("g", { dx: dx as typeof x, none: none as typeof x }), { x: [1, 2] });
  expect([...(outputs.get("dx")?.data ?? [])]).toEqual([1, 1]);
  expect([...(outputs.get("none")?.data ?? [])]).toEqual([0, 0, 0]);
});
