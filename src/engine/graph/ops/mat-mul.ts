import { ndarray } from "../ndarray.ts";
import { broadcastShapes, broadcastStrides, expectFloat, formatShape, shapeError, sizeOf } from "../shape.ts";
import type { MatMulAttributes, NdArray, OpDefinition, Shape, TensorType, Value } from "../types.ts";
import { sumTo } from "./broadcast.ts";
import { multiply } from "./product.ts";

/**
 * Batched product (see {@link MatMulAttributes}); the derivatives are products of the same kind, so that none of
 * them needs a Transpose, but for an operand read with its batch axes moved, whose derivative is moved back.
 */
export const matMul: OpDefinition<"MatMul"> = {
  infer(inputs, attributes) {
    expectFloat("MatMul", ...inputs);
    return [{ dtype: "float32", shape: plan(inputs, attributes).shape }];
  },
  vjp({ attributes, inputs, cotangents, needed, b }) {
    const [x, y] = inputs as [Value, Value];
    const dy = cotangents[0] as Value;
    const { transA, transB, transBatchA, transBatchB, alpha } = attributes;
    // With A = op(a), B = op(b): dA = dy · Bᵀ and dB = Aᵀ · dy; a transposed operand wants the transpose of that.
    const dx = () =>
      transA
        ? b.matMul(y, dy, { transA: transB, transB: true, transBatchA: transBatchB, alpha })
        : b.matMul(dy, y, { transB: !transB, transBatchB, alpha });
    const dw = () =>
      transB
        ? b.matMul(dy, x, { transA: true, transB: transA, transBatchB: transBatchA, alpha })
        : b.matMul(x, dy, { transA: !transA, transBatchA, alpha });
    const moveBack = (gradient: Value, moved: boolean, shape: Shape): Value => {
      if (!moved) return sumTo(b, gradient, shape);
      const rank = shape.length;
      const batch = gradient.shape.slice(0, -2);
      const summed = sumTo(b, gradient, [...shape.slice(1, -1), shape[0] as number, shape[rank - 1] as number]);
      return b.transpose(summed, [batch.length, ...batch.keys(), rank - 1]);
    };
    return [
      needed[0] ? moveBack(dx(), transBatchA, x.shape) : undefined,
      needed[1] ? moveBack(dw(), transBatchB, y.shape) : undefined,
    ];
  },
  reference(inputs, attributes) {
    const [x, y] = inputs as [NdArray, NdArray];
    const { shape, batch, a, b, rows, inner, columns } = plan(inputs, attributes);
    const data = new Float64Array(sizeOf(shape));
    const aStrides = broadcastStrides(a.batch, batch);
    const bStrides = broadcastStrides(b.batch, batch);
    for (let index = 0; index < sizeOf(batch); index++) {
      // Offsets of this batch entry, in whole matrices of each operand.
      let aBatch = 0;
      let bBatch = 0;
      for (let axis = batch.length - 1, rest = index; axis >= 0; axis--) {
        const extent = batch[axis] as number;
        aBatch += (rest % extent) * (aStrides[axis] as number);
        bBatch += (rest % extent) * (bStrides[axis] as number);
        rest = Math.floor(rest / extent);
      }
      multiply({
        a: { data: x.data, offset: aBatch * a.batchStride, rowStride: a.rowStride, columnStride: a.columnStride },
        b: { data: y.data, offset: bBatch * b.batchStride, rowStride: b.rowStride, columnStride: b.columnStride },
        out: data,
        outOffset: index * rows * columns,
        rows,
        inner,
        columns,
        alpha: attributes.alpha,
      });
    }
    return [ndarray(shape, data)];
  },
};

/** How one operand lies in memory, as a batch of matrices. */
interface OperandPlan {
  batch: Shape;
  batchStride: number;
  rows: number;
  columns: number;
  rowStride: number;
  columnStride: number;
}

function planOperand({ shape }: TensorType, transpose: boolean, moved: boolean): OperandPlan {
  if (shape.length < 2) throw shapeError("MatMul", "operands of rank ≥ 2", formatShape(shape));
  const last = shape[shape.length - 1] as number;
  const batch = moved ? shape.slice(1, -1) : shape.slice(0, -2);
  const first = (moved ? shape[0] : shape[shape.length - 2]) as number;
  const rowStride = moved ? sizeOf(batch) * last : last;
  const batchStride = moved ? last : first * last;
  return transpose
    ? { batch, batchStride, rows: last, columns: first, rowStride: 1, columnStride: rowStride }
    : { batch, batchStride, rows: first, columns: last, rowStride, columnStride: 1 };
}

function plan(inputs: readonly TensorType[], { transA, transB, transBatchA, transBatchB }: MatMulAttributes) {
  const [x, y] = inputs as [TensorType, TensorType];
  const a = planOperand(x, transA, transBatchA);
  const b = planOperand(y, transB, transBatchB);
  if (a.columns !== b.rows) {
    throw shapeError("MatMul", `inner extents to agree`, `${formatShape(x.shape)} and ${formatShape(y.shape)}`);
  }
  const batch = broadcastShapes("MatMul", a.batch, b.batch);
  return { a, b, batch, rows: a.rows, inner: a.columns, columns: b.columns, shape: [...batch, a.rows, b.columns] };
}
