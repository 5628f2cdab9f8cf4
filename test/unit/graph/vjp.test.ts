import { describe, expect, it } from "vitest";
import { gradients } from "../../../src/autodiff/gradients.ts";
import * as b from "../../../src/graph/builders.ts";
import { graph } from "../../../src/graph/graph.ts";
import { interpret } from "../../../src/graph/interpreter.ts";
import { formatShape, sizeOf } from "../../../src/graph/shape.ts";
import type { OpName, Shape, Value } from "../../../src/graph/types.ts";
import { RandomStream } from "../../../src/random.ts";

/** One use of an operator: the shapes of its differentiable operands, and the expression. */
interface Case {
  shapes: Shape[];
  build: (...operands: Value[]) => Value | Value[];
  /** Operands are drawn from this interval. */
  range?: [number, number];
}

const indices = (values: number[]) => b.constant(values, [values.length], "int64");
const matMulCases: Case[] = [];
for (const transA of [false, true]) {
  for (const transB of [false, true]) {
    for (const transBatchA of [false, true]) {
      for (const transBatchB of [false, true]) {
        // [batch, rows, columns] operands 3×4 and 4×5, in the layout each flag reads; the batch of 2.
        const operand = (rows: number, columns: number, transpose: boolean, moved: boolean): Shape => {
          const [r, c] = transpose ? [columns, rows] : [rows, columns];
          return moved ? [r, 2, 1, c] : [2, 1, r, c];
        };
        matMulCases.push({
          shapes: [operand(3, 4, transA, transBatchA), operand(4, 5, transB, transBatchB)],
          build: (x, y) => b.matMul(x as Value, y as Value, { transA, transB, transBatchA, transBatchB, alpha: 0.7 }),
        });
      }
    }
  }
}

/** At least one case for each operator; the type makes a forgotten one a compile error. */
const cases: Record<OpName, Case[]> = {
  Input: [{ shapes: [[3]], build: (x) => x as Value }],
  Constant: [{ shapes: [[2]], build: (x) => b.mul(x as Value, b.constant([2, 3], [2])) }],
  Add: [{ shapes: [[2, 3], [2, 3]], build: (x, y) => b.add(x as Value, y as Value) }, { shapes: [[2, 1, 3], [5, 1]], build: (x, y) => b.add(x as Value, y as Value) }],
  Sub: [{ shapes: [[2, 3], [3]], build: (x, y) => b.sub(x as Value, y as Value) }, { shapes: [[1], [4, 2]], build: (x, y) => b.sub(x as Value, y as Value) }],
  Mul: [{ shapes: [[2, 3], [2, 1]], build: (x, y) => b.mul(x as Value, y as Value) }, { shapes: [[3], [3]], build: (x) => b.mul(x as Value, x as Value) }],
  Div: [{ shapes: [[2, 3], [3]], build: (x, y) => b.div(x as Value, y as Value), range: [0.5, 2] }, { shapes: [[], [2, 2]], build: (x, y) => b.div(x as Value, y as Value), range: [0.5, 2] }],
  Neg: [{ shapes: [[5]], build: (x) => b.neg(x as Value) }],
  Exp: [{ shapes: [[2, 3]], build: (x) => b.exp(x as Value) }],
  Log: [{ shapes: [[7]], build: (x) => b.log(x as Value), range: [0.3, 3] }],
  Sqrt: [{ shapes: [[7]], build: (x) => b.sqrt(x as Value), range: [0.3, 3] }],
  Reciprocal: [{ shapes: [[1, 7]], build: (x) => b.reciprocal(x as Value), range: [0.3, 3] }],
  Erf: [{ shapes: [[9]], build: (x) => b.erf(x as Value), range: [-3, 3] }],
  Gelu: [{ shapes: [[3, 5]], build: (x) => b.gelu(x as Value), range: [-4, 4] }],
  Equal: [{ shapes: [[3]], build: (x) => b.mul(x as Value, b.cast(b.equal(indices([1, 2, 3]), indices([1, 5, 3])), "float32")) }],
  Cast: [{ shapes: [[2]], build: (x) => b.mul(x as Value, b.cast(indices([2, 3]), "float32")) }],
  MatMul: [
    ...matMulCases,
    { shapes: [[2, 3, 4], [4, 2]], build: (x, y) => b.matMul(x as Value, y as Value) },
    { shapes: [[3, 4], [5, 1, 4, 2]], build: (x, y) => b.matMul(x as Value, y as Value, { alpha: 2 }) },
    { shapes: [[1, 3, 2], [4, 3, 5]], build: (x, y) => b.matMul(x as Value, y as Value, { transA: true }) },
  ],
  Gemm: [false, true].flatMap((transA) =>
    [false, true].flatMap((transB): Case[] => [
      {
        shapes: [transA ? [4, 3] : [3, 4], transB ? [5, 4] : [4, 5], [5]],
        build: (x, w, c) => b.gemm(x as Value, w as Value, c, { transA, transB, alpha: 0.6 }),
      },
      { shapes: [transA ? [1, 3] : [3, 1], transB ? [2, 1] : [1, 2]], build: (x, w) => b.gemm(x as Value, w as Value, undefined, { transA, transB }) },
    ]),
  ),
  Softmax: [{ shapes: [[2, 3]], build: (x) => b.softmax(x as Value) }, { shapes: [[2, 4, 3]], build: (x) => b.softmax(x as Value, 1) }],
  LogSoftmax: [{ shapes: [[2, 5]], build: (x) => b.logSoftmax(x as Value) }, { shapes: [[3, 2]], build: (x) => b.logSoftmax(x as Value, 0) }],
  LayerNormalization: [
    { shapes: [[3, 5], [5], [5]], build: (x, s, t) => b.layerNormalization(x as Value, s as Value, t as Value, 1e-6)[0] },
    { shapes: [[2, 1, 4], [4], [4]], build: (x, s, t) => b.layerNormalization(x as Value, s as Value, t as Value, 1e-2)[0] },
  ],
  ReduceSum: [{ shapes: [[2, 3, 4]], build: (x) => b.reduceSum(x as Value, [0, -1]) }, { shapes: [[2, 3]], build: (x) => b.reduceSum(x as Value, [1], true) }],
  ReduceMean: [{ shapes: [[2, 3, 4]], build: (x) => b.reduceMean(x as Value, [1], true) }, { shapes: [[5]], build: (x) => b.reduceMean(x as Value, [0]) }],
  Reshape: [{ shapes: [[2, 6]], build: (x) => b.reshape(x as Value, [3, 4]) }],
  Transpose: [{ shapes: [[2, 3, 4]], build: (x) => b.transpose(x as Value, [2, 0, 1]) }],
  Expand: [{ shapes: [[2, 1]], build: (x) => b.expand(x as Value, [3, 2, 4]) }],
  Concat: [{ shapes: [[2, 3], [2, 1]], build: (x, y) => b.concat([x as Value, y as Value], 1) }, { shapes: [[2, 3], [1, 3]], build: (x, y) => b.concat([x as Value, y as Value, x as Value], 0) }],
  Split: [{ shapes: [[5, 2]], build: (x) => b.split(x as Value, [2, 3], 0) }, { shapes: [[2, 6]], build: (x) => [b.split(x as Value, [1, 2, 3], -1)[1] as Value] }],
  Gather: [{ shapes: [[4, 3]], build: (x) => b.gather(x as Value, indices([2, 0, 2]), 0) }, { shapes: [[2, 4, 3]], build: (x) => b.gather(x as Value, indices([3, 3, 1, 0, 2]), 1) }],
};

describe.each(Object.entries(cases))("%s vjp", (op, list) => {
  it.each(list.map((entry) => [entry.shapes.map(formatShape).join(" "), entry] as const))("matches central differences on %s", (_, entry) => {
    expect(list.length, op).toBeGreaterThan(0);
    const stream = RandomStream.for(7, "initialisation", op.length, entry.shapes.length);
    const [low, high] = entry.range ?? [-1.5, 1.5];
    const draw = (size: number) => Float64Array.from({ length: size }, () => low + (high - low) * stream.uniform());
    const operands = entry.shapes.map((shape, i) => b.input(`x${i}`, shape));
    const results = [entry.build(...operands)].flat();
    // A weighted sum with fixed random weights makes every output element count differently.
    const loss = results
      .map((result) => b.reduceSum(b.mul(result, b.constant(draw(sizeOf(result.shape)), result.shape)), [...result.shape.keys()]))
      .reduce((a, c) => b.add(a, c));
    const derivatives = gradients(loss, operands);
    const program = graph("check", { loss, ...Object.fromEntries(derivatives.map((d, i) => [`d${i}`, d])) });
    const feeds = Object.fromEntries(entry.shapes.map((shape, i) => [`x${i}`, draw(sizeOf(shape))]));
    const lossAt = (changed: Record<string, Float64Array>) => interpret(program, changed).get("loss")?.data[0] as number;
    const computed = interpret(program, feeds);
    entry.shapes.forEach((shape, i) => {
      expect(computed.get(`d${i}`)?.shape).toEqual(shape);
      for (let element = 0; element < sizeOf(shape); element++) {
        const step = 1e-5;
        const moved = (by: number) => {
          const copy = Float64Array.from(feeds[`x${i}`] as Float64Array);
          copy[element] = (copy[element] as number) + by;
          return lossAt({ ...feeds, [`x${i}`]: copy });
        };
        const numeric = (moved(step) - moved(-step)) / (2 * step);
        // Central differences with this step are good to about step² and rounding 1e-16/step.
        expect(computed.get(`d${i}`)?.data[element]).toBeCloseTo(numeric, 7);
      }
    });
  });
});
