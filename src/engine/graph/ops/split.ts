import { ndarray } from "../ndarray.ts";
import { formatShape, normalizeAxis, shapeError, sizeOf } from "../shape.ts";
import type { NdArray, OpDefinition, TensorType, Value } from "../types.ts";

/** Cuts along an axis into parts of the given sizes; the derivative joins theirs, zeros where a part is unused. */
export const split: OpDefinition<"Split"> = {
  infer(inputs, { axis, sizes }) {
    const x = inputs[0] as TensorType;
    const at = normalizeAxis("Split", axis, x.shape.length);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    if (total !== x.shape[at]) {
      throw shapeError("Split", `sizes that add up to ${x.shape[at]}`, formatShape(sizes));
    }
    return sizes.map((size) => ({ dtype: x.dtype, shape: x.shape.map((extent, i) => (i === at ? size : extent)) }));
  },
  vjp({ attributes: { axis }, outputs, cotangents, b }) {
    const parts = outputs.map((output, i) => (cotangents[i] as Value | undefined) ?? b.zeros(output.shape));
    return [b.concat(parts, axis)];
  },
  reference(inputs, { axis, sizes }) {
    const x = inputs[0] as NdArray;
    const at = normalizeAxis("Split", axis, x.shape.length);
    const outer = sizeOf(x.shape.slice(0, at));
    const line = sizeOf(x.shape.slice(at));
    const inner = sizeOf(x.shape.slice(at + 1));
    let start = 0;
    return sizes.map((size) => {
      const own = size * inner;
      const data = new Float64Array(outer * own);
      for (let o = 0; o < outer; o++) {
        data.set(x.data.subarray(o * line + start, o * line + start + own), o * own);
      }
      start += own;
      return ndarray(
        x.shape.map((extent, i) => (i === at ? size : extent)),
        data,
        x.dtype,
      );
    });
  },
};
