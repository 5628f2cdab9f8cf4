import { describe, expect, test } from "vitest";
import { gradients } from "../../../../src/engine/autodiff/gradients.ts";
import * as b from "../../../../src/engine/graph/builders.ts";
import { graph } from "../../../../src/engine/graph/graph.ts";
import { interpret } from "../../../../src/engine/graph/interpreter.ts";
import { dither, mostRowsInInt8 } from "../../../../src/engine/graph/ops/quantized-weight-gradient.ts";
import type { Value } from "../../../../src/engine/graph/types.ts";
import { emitOnnx } from "../../../../src/engine/onnx/emit.ts";
import { nodeBackend } from "../../../../src/engine/runtime/node-backend.ts";
import { RandomStream } from "../../../../src/support/random.ts";

interface Operands {
  dy: Float32Array;
  x: Float32Array;
}

type Extents = readonly [rows: number, outputs: number, inputs: number];

function product([rows, outputs, inputs]: Extents) {
  return graph("product", {
    dw: b.quantizedWeightGradient(b.input("dy", [rows, outputs]), b.input("x", [rows, inputs])),
  });
}

async function onOnnxRuntime([rows, outputs, inputs]: Extents, { dy, x }: Operands): Promise<Float32Array> {
  const model = emitOnnx(product([rows, outputs, inputs]));
  const session = await nodeBackend.createSession(model, { provider: "cpu", threads: 1 });
  const results = await session.run(
    {
      dy: { dtype: "float32", data: dy, shape: [rows, outputs] },
      x: { dtype: "float32", data: x, shape: [rows, inputs] },
    },
    {},
  );
  await session.release();
  return results.dw?.data as Float32Array;
}

const inFloat64 = (extents: Extents, operands: Operands): Float64Array =>
  interpret(product(extents), { ...operands }).get("dw")?.data as Float64Array;

/** In float64 without any rounding. */
function exact([rows, outputs, inputs]: Extents, { dy, x }: Operands): Float64Array {
  const dw = new Float64Array(outputs * inputs);
  for (let row = 0; row < rows; row++) {
    for (let o = 0; o < outputs; o++) {
      for (let i = 0; i < inputs; i++) {
        const more = (dy[row * outputs + o] as number) * (x[row * inputs + i] as number);
        dw[o * inputs + i] = (dw[o * inputs + i] as number) + more;
      }
    }
  }
  return dw;
}

/** In steps of float32 at the size of the largest value of a row, which has a step of its own. */
function expectSame(actual: Float32Array, expected: Float64Array, inputs: number): void {
  expect(actual.length).toBe(expected.length);
  for (let at = 0; at < expected.length; at += inputs) {
    const row = expected.subarray(at, at + inputs);
    const step = 2 ** -23 * row.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    row.forEach((value, i) => {
      expect(Math.abs(value - (actual[at + i] as number)), `element ${at + i}`).toBeLessThanOrEqual(4 * step);
    });
  }
}

function drawn(seed: number, [rows, outputs, inputs]: Extents, value: (normal: number, column: number) => number) {
  const stream = RandomStream.for(seed, "initialisation");
  const many = (width: number) =>
    Float32Array.from({ length: rows * width }, (_, i) => value(stream.normal(), i % width));
  return { dy: many(outputs), x: many(inputs) };
}

describe("a weight gradient in int8 on ONNX Runtime equals the float64 interpreter, which rounds as it does", () => {
  test.each<[string, (normal: number, column: number) => number]>([
    ["of both signs", (normal) => normal],
    ["above zero", (normal) => 3 + Math.abs(normal)],
    ["below zero", (normal) => -0.5 - Math.abs(normal)],
    ["of columns of different sizes", (normal, column) => normal * 10 ** -column],
    ["very small", (normal) => 1e-15 * normal],
    ["zero", () => 0],
  ])("values %s", async (_, value) => {
    for (const [seed, extents] of (
      [
        [5, 16, 32],
        [1, 32, 48],
        [70, 48, 96],
        [80, 24, 20],
        [33, 5, 17],
      ] as const
    ).entries()) {
      const operands = drawn(seed, extents, value);
      expectSame(await onOnnxRuntime(extents, operands), inFloat64(extents, operands), extents[2]);
    }
  });

  // Of a processor without VNNI these are also the largest sums of two products, for which it has 16 bits.
  test.each([1, -1])("the largest sum there can be fits 32 bits, of x %d", async (of) => {
    const extents = [mostRowsInInt8, 1, 1] as const;
    const filled = (value: number) => new Float32Array(mostRowsInInt8).fill(value);
    const [sum] = await onOnnxRuntime(extents, { dy: filled(1), x: filled(of) });
    expect(Math.abs((sum as number) / mostRowsInInt8 - of)).toBeLessThan(0.003);
  });
});

test("small derivatives in many rows are not lost beside a large one in another", () => {
  const extents = [400, 2, 1] as const;
  const dy = new Float32Array(2 * 400).fill(0.001);
  // A tenth of a step, and as much below zero: rounded to the nearest, all of them would be 0.
  dy[0] = 1.27;
  for (let row = 1; row < 400; row++) dy[2 * row + 1] = -0.001;
  dy[1] = 1.27;
  const operands = { dy, x: new Float32Array(400).fill(1) };
  const [up, down] = inFloat64(extents, operands);
  const [wantedUp, wantedDown] = exact(extents, operands);
  expect(Math.abs((up as number) - (wantedUp as number))).toBeLessThan(0.03);
  expect(Math.abs((down as number) - (wantedDown as number))).toBeLessThan(0.03);
});

test("each column has a step of its own", () => {
  const extents = [64, 8, 4] as const;
  const operands = drawn(3, extents, (normal, column) => normal * 10 ** -(column % 4));
  const [got, wanted] = [inFloat64(extents, operands), exact(extents, operands)];
  for (let o = 0; o < 8; o++) {
    const row = wanted.subarray(4 * o, 4 * o + 4);
    // Of one step for the whole matrix the rows a thousand times smaller would have nothing left.
    const largest = Math.max(...row.map(Math.abs));
    const first = Math.abs((got[4 * o] as number) - (row[0] as number));
    expect(first / largest, `row ${o}`).toBeLessThan(0.3);
  }
});

describe("what rows are shifted by", () => {
  test("is spread evenly over any rows that follow each other", () => {
    const shifts = dither(2000);
    for (const [count, most] of [
      [16, 0.08],
      [100, 0.02],
    ] as const) {
      for (let from = 0; from + count <= 2000; from += 37) {
        const mean = shifts.subarray(from, from + count).reduce((sum, shift) => sum + shift, 0) / count;
        expect(Math.abs(mean), `${count} from ${from}`).toBeLessThan(most);
      }
    }
  });

  test("stays clear of half a step, where 0 would lie between two levels", () => {
    const most = dither(mostRowsInInt8).reduce((largest, shift) => Math.max(largest, Math.abs(shift)), 0);
    expect(most).toBeLessThan(0.5);
    expect(dither(4)).toEqual(dither(9).subarray(0, 4));
  });
});

test("the derivatives are those of the float32 product", () => {
  const [rows, outputs, inputs] = [5, 3, 4];
  const operands = drawn(1, [rows, outputs, inputs], (normal) => normal);
  const factors = b.constant(
    Array.from({ length: outputs * inputs }, (_, i) => Math.cos(3 * i)),
    [outputs, inputs],
  );
  const derivatives = (of: (dy: Value, x: Value) => Value) => {
    const [dy, x] = [b.input("dy", [rows, outputs]), b.input("x", [rows, inputs])];
    const loss = b.reduceSum(b.mul(of(dy, x), factors), [0, 1]);
    const [byDy, byX] = gradients(loss, [dy, x]) as [Value, Value];
    const results = interpret(graph("derivatives", { byDy, byX, loss }), { ...operands });
    return ["byDy", "byX"].map((name) => results.get(name)?.data as Float64Array);
  };
  const got = derivatives(b.quantizedWeightGradient);
  expect(got).toEqual(derivatives((dy, x) => b.gemm(dy, x, undefined, { transA: true })));
  expect(got.every((data) => data.some((value) => value !== 0))).toBe(true);
});

test.each<[string, () => unknown]>([
  ["other rows", () => b.quantizedWeightGradient(b.input("dy", [2, 3]), b.input("x", [3, 5]))],
  ["vectors", () => b.quantizedWeightGradient(b.input("dy", [2, 3]), b.input("x", [2]))],
  ["no rows", () => b.quantizedWeightGradient(b.input("dy", [0, 3]), b.input("x", [0, 5]))],
  [
    "more rows than 32 bits hold",
    () => b.quantizedWeightGradient(b.input("dy", [mostRowsInInt8 + 1, 3]), b.input("x", [mostRowsInInt8 + 1, 5])),
  ],
])("refuses %s", (_, build) => expect(build).toThrow(/QuantizedWeightGradient: expected \[M, O\] and \[M, I\]/));
