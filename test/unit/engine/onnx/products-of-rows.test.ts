import { describe, expect, test } from "vitest";
import { gemm, input, reduceSum } from "../../../../src/engine/graph/builders.ts";
import { graph } from "../../../../src/engine/graph/graph.ts";
import { interpret } from "../../../../src/engine/graph/interpreter.ts";
import { sizeOf } from "../../../../src/engine/graph/shape.ts";
import type { Value } from "../../../../src/engine/graph/types.ts";
import { emitOnnx } from "../../../../src/engine/onnx/emit.ts";
import { onnx } from "../../../../src/engine/onnx/generated/onnx.js";
import type { Provider } from "../../../../src/engine/onnx/operators.ts";
import { nodeBackend } from "../../../../src/engine/runtime/node-backend.ts";
import { compile, floatsOf, Program } from "../../../../src/engine/runtime/program.ts";
import { RandomStream } from "../../../../src/support/random.ts";
import { relativeError } from "../../../support/micro-graphs.ts";
import { outputs } from "../../../tolerances.ts";

/** What is written for a value: each node's operator, what of its operands is transposed, and their names. */
function writtenFor(y: Value, provider: Provider): string[] {
  const nodes = onnx.ModelProto.decode(emitOnnx(graph("g", { y }), provider)).graph?.node ?? [];
  return nodes.map(({ opType, input: names, attribute }) => {
    const set = (attribute ?? []).filter(({ i }) => Number(i) === 1).map(({ name }) => name);
    return [opType, ...set, ...(names ?? [])].join(" ");
  });
}

/** The largest error of what ONNX Runtime computes beside float64, of the largest element. */
async function errorOf(y: Value, inputs: readonly [string, Value][]): Promise<number> {
  const source = graph("g", { y });
  const stream = RandomStream.for(3, "initialisation");
  const feeds = Object.fromEntries(
    inputs.map(([name, { shape }]) => [name, Float32Array.from({ length: sizeOf(shape) }, () => stream.normal())]),
  );
  const program = await Program.load(nodeBackend, compile(source, "cpu"), { provider: "cpu", threads: 1 });
  const got = floatsOf(await program.run(feeds)).y as Float32Array;
  await program.release();
  const expected = interpret(source, feeds).get("y")?.data as Float64Array;
  return relativeError(got, expected);
}

describe("a product whose first operand is read transposed, dyᵀ · x", () => {
  const product = (rows: number, columns: number, options: { transB?: boolean; bias?: boolean } = {}) => {
    const dy = input("dy", [7, rows]);
    const x = input("x", options.transB ? [columns, 7] : [7, columns]);
    const bias = options.bias ? input("bias", [columns]) : undefined;
    const y = gemm(dy, x, bias, { transA: true, transB: options.transB ?? false });
    return { y, inputs: Object.entries({ dy, x, ...(bias && { bias }) }) };
  };

  test.each([
    ["dy, where it is not the wider", 129, 130, ["Transpose dy", "Gemm v0 x"]],
    ["dy, where both are as wide", 129, 129, ["Transpose dy", "Gemm v0 x"]],
    ["x and the result, where dy is wider", 130, 129, ["Transpose x", "Gemm v0 dy", "Transpose v1"]],
    ["nothing, where the result is one panel wide", 130, 128, ["Gemm transA dy x"]],
    ["nothing, where it is one panel high", 128, 130, ["Gemm transA dy x"]],
  ])("transposes by operators of their own %s", async (_, rows, columns, written) => {
    const { y, inputs } = product(rows, columns);
    expect(writtenFor(y, "cpu")).toEqual(written);
    expect(await errorOf(y, inputs)).toBeLessThan(outputs.float64.cpu.relative);
  });

  test("is left as it is with a bias, with both operands transposed, and on what is no processor of Node's", () => {
    expect(writtenFor(product(200, 200, { bias: true }).y, "cpu")).toEqual(["Gemm transA dy x bias"]);
    expect(writtenFor(product(200, 200, { transB: true }).y, "cpu")).toEqual(["Gemm transA transB dy x"]);
    for (const provider of ["wasm", "webgpu", "cuda"] as const) {
      expect(writtenFor(product(200, 200).y, provider)).toEqual(["Gemm transA dy x"]);
    }
  });

  test("keeps its factor", async () => {
    const [dy, x] = [input("dy", [5, 140]), input("x", [5, 130])];
    const scaled = gemm(dy, x, undefined, { transA: true, alpha: 0.25 });
    expect(await errorOf(scaled, Object.entries({ dy, x }))).toBeLessThan(outputs.float64.cpu.relative);
  });
});

describe("a sum over the rows of a matrix", () => {
  const x = input("x", [300, 5]);

  test("is a row of ones times it on a processor", async () => {
    expect(writtenFor(reduceSum(x, [0], true), "cpu")).toEqual(["Gemm ones/300 x"]);
    expect(writtenFor(reduceSum(x, [-2], false), "cpu")).toEqual(["Gemm ones/300 x", "Reshape v0 int64_5_1"]);
    for (const keepdims of [true, false]) {
      expect(await errorOf(reduceSum(x, [0], keepdims), [["x", x]])).toBeLessThan(outputs.float64.cpu.relative);
    }
  });

  test("is a ReduceSum elsewhere, as sums over columns, over both and of other tensors are", () => {
    const operators = (y: Value, provider: Provider) => writtenFor(y, provider).map((node) => node.split(" ")[0]);
    for (const provider of ["wasm", "webgpu", "cuda"] as const) {
      expect(operators(reduceSum(x, [0], true), provider)).toEqual(["ReduceSum"]);
    }
    const images = input("images", [4, 3, 2]);
    for (const y of [reduceSum(x, [1], true), reduceSum(x, [0, 1], true), reduceSum(images, [0], true)]) {
      expect(operators(y, "cpu")).toEqual(["ReduceSum"]);
    }
  });
});
