import { ndarray } from "../ndarray.ts";
import { broadcastStrides, expectFloat, formatShape, shapeError } from "../shape.ts";
import type { NdArray, OpAttributes, OpDefinition, TensorType, Value } from "../types.ts";
import { sumTo } from "./broadcast.ts";
import { multiply } from "./product.ts";

/** `alpha · op(a) · op(b) + bias` of matrices; the derivatives are again Gemm, and a sum over rows for the bias. */
export const gemm: OpDefinition<"Gemm"> = {
  infer(inputs, attributes) {
    expectFloat("Gemm", ...inputs);
    const { rows, columns } = extents(inputs, attributes);
    const bias = inputs[2];
    if (bias && !(bias.shape.length === 1 && bias.shape[0] === columns)) {
      throw shapeError("Gemm", `a bias of shape [${columns}]`, formatShape(bias.shape));
    }
    return [{ dtype: "float32", shape: [rows, columns] }];
  },
  vjp({ attributes: { transA, transB, alpha }, inputs, cotangents, needed, b }) {
    const [x, w, bias] = inputs as [Value, Value, Value | undefined];
    const dy = cotangents[0] as Value;
    const dx = () =>
      transA
        ? b.gemm(w, dy, undefined, { transA: transB, transB: true, alpha })
        : b.gemm(dy, w, undefined, { transB: !transB, alpha });
    const dw = () =>
      transB
        ? b.gemm(dy, x, undefined, { transA: true, transB: transA, alpha })
        : b.gemm(x, dy, undefined, { transA: !transA, alpha });
    const gradients = [needed[0] ? dx() : undefined, needed[1] ? dw() : undefined];
    return bias ? [...gradients, needed[2] ? sumTo(b, dy, bias.shape) : undefined] : gradients;
  },
  reference(inputs, attributes) {
    const [x, w, bias] = inputs as [NdArray, NdArray, NdArray | undefined];
    const { rows, inner, columns } = extents(inputs, attributes);
    const data = new Float64Array(rows * columns);
    if (bias) {
      const stride = broadcastStrides(bias.shape, [rows, columns])[1] as number;
      for (let i = 0; i < data.length; i++) data[i] = bias.data[(i % columns) * stride] as number;
    }
    const strided = (operand: NdArray, transpose: boolean) => {
      const width = operand.shape[1] as number;
      return { data: operand.data, offset: 0, rowStride: transpose ? 1 : width, columnStride: transpose ? width : 1 };
    };
    const a = strided(x, attributes.transA);
    const b = strided(w, attributes.transB);
    multiply({ a, b, out: data, outOffset: 0, rows, inner, columns, alpha: attributes.alpha });
    return [ndarray([rows, columns], data)];
  },
};

function extents(inputs: readonly TensorType[], { transA, transB }: OpAttributes["Gemm"]) {
  const [x, w] = inputs as [TensorType, TensorType];
  if (x.shape.length !== 2 || w.shape.length !== 2) {
    throw shapeError("Gemm", "two matrices", `${formatShape(x.shape)} and ${formatShape(w.shape)}`);
  }
  const [p, q] = x.shape as [number, number];
  const [r, s] = w.shape as [number, number];
  const [rows, inner] = transA ? [q, p] : [p, q];
  const [innerB, columns] = transB ? [s, r] : [r, s];
  if (inner !== innerB) {
    throw shapeError("Gemm", "inner extents to agree", `${formatShape(x.shape)} and ${formatShape(w.shape)}`);
  }
  return { rows, inner, columns };
}
