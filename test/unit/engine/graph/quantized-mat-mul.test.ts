import { describe, expect, test } from "vitest";
import { gradients } from "../../../../src/engine/autodiff/gradients.ts";
import * as b from "../../../../src/engine/graph/builders.ts";
import { graph } from "../../../../src/engine/graph/graph.ts";
import { interpret } from "../../../../src/engine/graph/interpreter.ts";
import { emitOnnx } from "../../../../src/engine/onnx/emit.ts";
import { nodeBackend } from "../../../../src/engine/runtime/node-backend.ts";
import { RandomStream } from "../../../../src/support/random.ts";

interface Operands {
  x: Float32Array;
  w: Int8Array;
  scale: Float32Array;
  bias?: Float32Array;
}

type Extents = readonly [rows: number, inner: number, columns: number];

/** The product of operands of these extents; of those without a bias, each row of x may have steps of its own. */
function product([rows, inner, columns]: Extents, { bias }: Operands, byRows: boolean) {
  const added = bias && b.input("bias", [columns]);
  const w = b.input("w", [inner, columns], "int8");
  const y = b.quantizedMatMul(b.input("x", [rows, inner]), w, b.input("scale", [columns]), added, { byRows });
  return graph("product", { y });
}

async function onOnnxRuntime(extents: Extents, operands: Operands, byRows = false): Promise<Float32Array> {
  const [rows, inner, columns] = extents;
  const { x, w, scale, bias } = operands;
  const model = emitOnnx(product(extents, operands, byRows));
  const session = await nodeBackend.createSession(model, { provider: "cpu", threads: 1 });
  const results = await session.run(
    {
      x: { dtype: "float32", data: x, shape: [rows, inner] },
      w: { dtype: "int8", data: w, shape: [inner, columns] },
      scale: { dtype: "float32", data: scale, shape: [columns] },
      ...(bias && { bias: { dtype: "float32" as const, data: bias, shape: [columns] } }),
    },
    {},
  );
  await session.release();
  return results.y?.data as Float32Array;
}

function inFloat64(extents: Extents, operands: Operands, byRows = false): Float64Array {
  return interpret(product(extents, operands, byRows), { ...operands }).get("y")?.data as Float64Array;
}

/** In steps of float32 at the size of the largest value: a level of x more or less is hundreds of them. */
function expectSame(actual: Float32Array, expected: Float64Array): void {
  expect(actual.length).toBe(expected.length);
  const step = 2 ** -23 * expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const apart = expected.reduce((most, value, i) => Math.max(most, Math.abs(value - (actual[i] as number))), 0);
  expect(apart).toBeLessThanOrEqual(3 * step);
}

function drawn(seed: number, [rows, inner, columns]: Extents, value: (normal: number) => number): Operands {
  const stream = RandomStream.for(seed, "initialisation");
  const many = (count: number, of: () => number) => Float32Array.from({ length: count }, of);
  return {
    x: many(rows * inner, () => value(stream.normal())),
    w: Int8Array.from({ length: inner * columns }, () => stream.integer(-64, 65)),
    scale: many(columns, () => 0.001 + 0.01 * stream.uniform()),
    bias: many(columns, () => stream.normal()),
  };
}

describe("a product in int8 on ONNX Runtime equals the float64 interpreter, which rounds as it does", () => {
  test.each<[string, (normal: number) => number]>([
    ["of both signs", (normal) => normal],
    ["above zero", (normal) => 3 + Math.abs(normal)],
    ["below zero", (normal) => -0.5 - Math.abs(normal)],
    ["with one that is far larger than the rest", (normal) => (normal > 2.5 ? 400 * normal : normal)],
    ["very small", (normal) => 1e-20 * normal],
    ["zero", () => 0],
  ])("values %s", async (_, value) => {
    for (const [seed, extents] of (
      [
        [5, 32, 16],
        [1, 48, 32],
        [70, 96, 48],
        [33, 17, 5],
      ] as const
    ).entries()) {
      const operands = drawn(seed, extents, value);
      expectSame(await onOnnxRuntime(extents, operands), inFloat64(extents, operands));
      const { bias, ...plain } = operands;
      expectSame(await onOnnxRuntime(extents, plain, true), inFloat64(extents, plain, true));
    }
  });

  test("a row far smaller than the others keeps its levels where each row has steps of its own", async () => {
    const [rows, inner, columns] = [3, 64, 16];
    const { w, scale, x } = drawn(1, [rows, inner, columns], (normal) => normal);
    const factors = [1, 1e-6, 0];
    const operands = { w, scale, x: x.map((value, i) => value * (factors[Math.floor(i / inner)] as number)) };
    const byRows = await onOnnxRuntime([rows, inner, columns], operands, true);
    const ofOneStep = await onOnnxRuntime([rows, inner, columns], operands);
    const row = (of: Float32Array, at: number) => Array.from(of.subarray(columns * at, columns * (at + 1)));
    const exact = Array.from({ length: columns }, (_, c) => {
      const terms = Array.from(
        { length: inner },
        (_, k) => (operands.x[inner + k] as number) * (w[columns * k + c] as number),
      );
      return terms.reduce((sum, term) => sum + term, 0) * (scale[c] as number);
    });
    const largest = Math.max(...exact.map(Math.abs));
    for (const [c, value] of row(byRows, 1).entries()) {
      expect(Math.abs(value - (exact[c] as number)) / largest).toBeLessThan(0.02);
    }
    expect(row(byRows, 2)).toEqual(new Array(columns).fill(0));
    expect(row(ofOneStep, 1)).toEqual(row(ofOneStep, 2));
  });

  test("halves of a level, to the even one", async () => {
    // From -127.5 to 127.5 in halves: the step is 1, and zero itself lies on a half.
    const x = Float32Array.from({ length: 511 }, (_, i) => (i - 255) / 2);
    const operands = { x, w: new Int8Array(511).map((_, i) => (i % 129) - 64), scale: Float32Array.of(1) };
    expectSame(await onOnnxRuntime([1, 511, 1], operands), inFloat64([1, 511, 1], operands));
    const each = { x, w: Int8Array.of(1), scale: Float32Array.of(1) };
    expect(Array.from(await onOnnxRuntime([511, 1, 1], each))).toEqual(Array.from(inFloat64([511, 1, 1], each)));
  });
});

test.each([64, -64])("255 times %d does not saturate, whatever the extents", async (level) => {
  // Where a processor adds pairs in 16 bits that saturate, 255 · 65 · 2 would no longer fit.
  for (const extents of [
    [3, 64, 16],
    [1, 3072, 16],
    [40, 768, 48],
  ] as const) {
    const [rows, inner, columns] = extents;
    const x = new Float32Array(rows * inner).fill(255);
    const operands = { x, w: new Int8Array(inner * columns).fill(level), scale: new Float32Array(columns).fill(1) };
    const result = await onOnnxRuntime(extents, operands);
    expect(new Set(result)).toEqual(new Set([255 * level * inner]));
    // By rows 127 is the 255th level, of step 1.
    const ofRows = await onOnnxRuntime(extents, { ...operands, x: new Float32Array(rows * inner).fill(127) }, true);
    expect(new Set(ofRows)).toEqual(new Set([127 * level * inner]));
  }
});

test.each([false, true])(
  "the derivative by the first operand is that of the float32 product with the weights as they are rounded, by rows: %s",
  (byRows) => {
    const [rows, inner, columns] = [4, 6, 3];
    const { x, w, scale } = drawn(1, [rows, inner, columns], (normal) => normal);
    const factors = b.constant(
      Array.from({ length: rows * columns }, (_, i) => Math.cos(3 * i)),
      [rows, columns],
    );
    const derivative = (y: (input: ReturnType<typeof b.input>) => ReturnType<typeof b.input>) => {
      const operand = b.input("x", [rows, inner]);
      const loss = b.reduceSum(b.mul(y(operand), factors), [0, 1]);
      const [d] = gradients(loss, [operand]);
      // The loss keeps the operand among the inputs where the derivative does not depend on it.
      const outputs = { d: d as ReturnType<typeof b.input>, loss };
      return interpret(graph("derivative", outputs), { x }).get("d")?.data as Float64Array;
    };
    const levels = b.constant(w, [inner, columns], "int8");
    const scales = b.constant(scale, [columns]);
    const rounded = Float64Array.from(w, (level, i) => level * (scale[i % columns] as number));
    const straightThrough = derivative((operand) => b.quantizedMatMul(operand, levels, scales, undefined, { byRows }));
    const ofFloats = derivative((operand) => b.gemm(operand, b.constant(rounded, [inner, columns])));
    expect(straightThrough.some((value) => value !== 0)).toBe(true);
    straightThrough.forEach((value, i) => {
      expect(value).toBeCloseTo(ofFloats[i] as number, 12);
    });
  },
);

test.each<[string, () => unknown, RegExp]>([
  [
    "other extents",
    () => b.quantizedMatMul(b.input("x", [2, 3]), b.input("w", [4, 5], "int8"), b.input("s", [5])),
    /QuantizedMatMul: expected \[M, K\]/,
  ],
  [
    "a scale for each row",
    () => b.quantizedMatMul(b.input("x", [2, 3]), b.input("w", [3, 5], "int8"), b.input("s", [3])),
    /a scale for each column/,
  ],
  [
    "weights that are floats",
    () => b.quantizedMatMul(b.input("x", [2, 3]), b.input("w", [3, 5]), b.input("s", [5])),
    /expected float32, int8 and float32/,
  ],
  [
    "a bias of another length",
    () => b.quantizedMatMul(b.input("x", [2, 3]), b.input("w", [3, 5], "int8"), b.input("s", [5]), b.input("b", [1])),
    /a bias of shape \[5\]/,
  ],
  [
    "a bias beside steps by rows",
    () => {
      const [x, w, vector] = [b.input("x", [2, 3]), b.input("w", [3, 5], "int8"), b.input("s", [5])];
      return b.quantizedMatMul(x, w, vector, vector, { byRows: true });
    },
    /no bias where each row/,
  ],
])("refuses %s", (_, build, message) => expect(build).toThrow(message));
