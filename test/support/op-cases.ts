import * as b from "../../src/engine/graph/builders.ts";
import type { OpName, Shape, Value } from "../../src/engine/graph/types.ts";
import type { OpCase } from "./op-case.ts";
import {
  batchNormalizationCases,
  convCases,
  convTransposeCases,
  convWeightGradientCases,
  maxPoolCases,
} from "./window-cases.ts";

const indices = (values: number[]) => b.constant(values, [values.length], "int64");
const roundedRows = b.constant([0.4, -1.1, 0.3, 2.2, 0.6, -0.7, 1.9, 0], [2, 4]);
/** Numbers that float16 has, over the largest as well: a device may leave out a rounding that changes nothing. */
const halves = b.constant([0.5, -1.125, 0.25, 2, 0.625, -0.75, 1.875, 0], [2, 4]);
const derivativeRows = b.constant([0.02, -0.5, 0.3, -0.1, 0.9, 0.07], [2, 3]);
const roundedColumns = b.constant([64, -3, 20, 7, -64, 1, 0, 33, -20, 5, 11, 64], [4, 3], "int8");
const matMulCases: OpCase[] = [];
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
export const opCases: Record<OpName, OpCase[]> = {
  Input: [{ shapes: [[3]], build: (x) => x as Value }],
  Constant: [{ shapes: [[2]], build: (x) => b.mul(x as Value, b.constant([2, 3], [2])) }],
  Add: [
    {
      shapes: [
        [2, 3],
        [2, 3],
      ],
      build: (x, y) => b.add(x as Value, y as Value),
    },
    {
      shapes: [
        [2, 1, 3],
        [5, 1],
      ],
      build: (x, y) => b.add(x as Value, y as Value),
    },
  ],
  Sub: [
    { shapes: [[2, 3], [3]], build: (x, y) => b.sub(x as Value, y as Value) },
    { shapes: [[1], [4, 2]], build: (x, y) => b.sub(x as Value, y as Value) },
  ],
  Mul: [
    {
      shapes: [
        [2, 3],
        [2, 1],
      ],
      build: (x, y) => b.mul(x as Value, y as Value),
    },
    { shapes: [[3], [3]], build: (x) => b.mul(x as Value, x as Value) },
  ],
  Div: [
    { shapes: [[2, 3], [3]], build: (x, y) => b.div(x as Value, y as Value), range: [0.5, 2] },
    { shapes: [[], [2, 2]], build: (x, y) => b.div(x as Value, y as Value), range: [0.5, 2] },
  ],
  Neg: [{ shapes: [[5]], build: (x) => b.neg(x as Value) }],
  Exp: [{ shapes: [[2, 3]], build: (x) => b.exp(x as Value) }],
  Log: [{ shapes: [[7]], build: (x) => b.log(x as Value), range: [0.3, 3] }],
  Sqrt: [{ shapes: [[7]], build: (x) => b.sqrt(x as Value), range: [0.3, 3] }],
  Reciprocal: [{ shapes: [[1, 7]], build: (x) => b.reciprocal(x as Value), range: [0.3, 3] }],
  Erf: [{ shapes: [[9]], build: (x) => b.erf(x as Value), range: [-3, 3] }],
  Gelu: [{ shapes: [[3, 5]], build: (x) => b.gelu(x as Value), range: [-4, 4] }],
  Relu: [{ shapes: [[3, 5]], build: (x) => b.relu(x as Value) }],
  Sigmoid: [{ shapes: [[9]], build: (x) => b.sigmoid(x as Value), range: [-6, 6] }],
  Conv: convCases,
  ConvTranspose: convTransposeCases,
  ConvWeightGradient: convWeightGradientCases,
  MaxPool: maxPoolCases,
  BatchNormalization: batchNormalizationCases,
  Equal: [
    {
      shapes: [[3]],
      build: (x) => b.mul(x as Value, b.cast(b.equal(indices([1, 2, 3]), indices([1, 5, 3])), "float32")),
    },
  ],
  // Operands are rounded, and the derivatives go straight through: half-gemm.test.ts.
  HalfGemm: [
    { shapes: [[4]], build: (x) => b.mul(x as Value, b.halfGemm(halves, halves, undefined, { transA: true })) },
    { shapes: [[2]], build: (bias) => b.halfGemm(halves, halves, bias as Value, { transB: true, scaled: true }) },
  ],
  // By its first operand the derivative is not that of the steps: quantized-mat-mul.test.ts.
  QuantizedMatMul: [
    {
      shapes: [[3], [3]],
      build: (scale, bias) => b.quantizedMatMul(roundedRows, roundedColumns, scale as Value, bias as Value),
    },
    ...[false, true].map((byRows): OpCase => {
      const build = (scale: Value) => b.quantizedMatMul(roundedRows, roundedColumns, scale, undefined, { byRows });
      return { shapes: [[3]], build: (scale) => build(scale as Value) };
    }),
  ],
  // Both are rounded, and the derivatives go straight through: quantized-weight-gradient.test.ts.
  QuantizedWeightGradient: [
    { shapes: [[4]], build: (x) => b.mul(x as Value, b.quantizedWeightGradient(derivativeRows, roundedRows)) },
  ],
  Cast: [{ shapes: [[2]], build: (x) => b.mul(x as Value, b.cast(indices([2, 3]), "float32")) }],
  MatMul: [
    ...matMulCases,
    {
      shapes: [
        [2, 3, 4],
        [4, 2],
      ],
      build: (x, y) => b.matMul(x as Value, y as Value),
    },
    {
      shapes: [
        [3, 4],
        [5, 1, 4, 2],
      ],
      build: (x, y) => b.matMul(x as Value, y as Value, { alpha: 2 }),
    },
    {
      shapes: [
        [1, 3, 2],
        [4, 3, 5],
      ],
      build: (x, y) => b.matMul(x as Value, y as Value, { transA: true }),
    },
  ],
  Gemm: [false, true].flatMap((transA) =>
    [false, true].flatMap((transB): OpCase[] => [
      {
        shapes: [transA ? [4, 3] : [3, 4], transB ? [5, 4] : [4, 5], [5]],
        build: (x, w, c) => b.gemm(x as Value, w as Value, c, { transA, transB, alpha: 0.6 }),
      },
      {
        shapes: [transA ? [1, 3] : [3, 1], transB ? [2, 1] : [1, 2]],
        build: (x, w) => b.gemm(x as Value, w as Value, undefined, { transA, transB }),
      },
    ]),
  ),
  Softmax: [
    { shapes: [[2, 3]], build: (x) => b.softmax(x as Value) },
    { shapes: [[2, 4, 3]], build: (x) => b.softmax(x as Value, 1) },
  ],
  LogSoftmax: [
    { shapes: [[2, 5]], build: (x) => b.logSoftmax(x as Value) },
    { shapes: [[3, 2]], build: (x) => b.logSoftmax(x as Value, 0) },
  ],
  LayerNormalization: [
    {
      shapes: [[3, 5], [5], [5]],
      build: (x, s, t) => b.layerNormalization(x as Value, s as Value, t as Value, 1e-6)[0],
    },
    {
      shapes: [[2, 1, 4], [4], [4]],
      build: (x, s, t) => b.layerNormalization(x as Value, s as Value, t as Value, 1e-2)[0],
    },
  ],
  ReduceSum: [
    { shapes: [[2, 3, 4]], build: (x) => b.reduceSum(x as Value, [0, -1]) },
    { shapes: [[2, 3]], build: (x) => b.reduceSum(x as Value, [1], true) },
  ],
  ReduceMean: [
    { shapes: [[2, 3, 4]], build: (x) => b.reduceMean(x as Value, [1], true) },
    { shapes: [[5]], build: (x) => b.reduceMean(x as Value, [0]) },
  ],
  Reshape: [{ shapes: [[2, 6]], build: (x) => b.reshape(x as Value, [3, 4]) }],
  Transpose: [{ shapes: [[2, 3, 4]], build: (x) => b.transpose(x as Value, [2, 0, 1]) }],
  Expand: [{ shapes: [[2, 1]], build: (x) => b.expand(x as Value, [3, 2, 4]) }],
  Concat: [
    {
      shapes: [
        [2, 3],
        [2, 1],
      ],
      build: (x, y) => b.concat([x as Value, y as Value], 1),
    },
    {
      shapes: [
        [2, 3],
        [1, 3],
      ],
      build: (x, y) => b.concat([x as Value, y as Value, x as Value], 0),
    },
  ],
  Split: [
    { shapes: [[5, 2]], build: (x) => b.split(x as Value, [2, 3], 0) },
    { shapes: [[2, 6]], build: (x) => [b.split(x as Value, [1, 2, 3], -1)[1] as Value] },
  ],
  Gather: [
    { shapes: [[4, 3]], build: (x) => b.gather(x as Value, indices([2, 0, 2]), 0) },
    { shapes: [[2, 4, 3]], build: (x) => b.gather(x as Value, indices([3, 3, 1, 0, 2]), 1) },
  ],
  TopRows: [
    {
      shapes: [
        [2, 5],
        [10, 3],
      ],
      build: (x, rows) => b.gather(rows as Value, b.topRows(x as Value, 3), 0),
    },
    {
      // Of equal ones the first.
      shapes: [[8]],
      build: (rows) => b.gather(rows as Value, b.topRows(b.constant([1, 2, 2, 2, 3, 0, 3, 3], [2, 4]), 2), 0),
    },
  ],
};
