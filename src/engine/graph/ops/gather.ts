import { ndarray } from "../ndarray.ts";
import { formatShape, normalizeAxis, shapeError, sizeOf } from "../shape.ts";
import type { NdArray, OpDefinition, TensorType, Value } from "../types.ts";

/**
 * Picks slices along an axis by a vector of indices. The derivative adds each slice of `dy` back to where it came
 * from, as a product with the one-hot matrix of the indices: exact, deterministic, and of operators that every
 * execution provider has (a scatter with addition is not).
 */
export const gather: OpDefinition<"Gather"> = {
  infer(inputs, { axis }) {
    const [x, indices] = inputs as [TensorType, TensorType];
    if (indices.dtype !== "int64" || indices.shape.length !== 1) {
      throw shapeError("Gather", "a vector of int64 indices", `${indices.dtype} ${formatShape(indices.shape)}`);
    }
    const at = normalizeAxis("Gather", axis, x.shape.length);
    return [{ dtype: x.dtype, shape: x.shape.map((extent, i) => (i === at ? (indices.shape[0] as number) : extent)) }];
  },
  vjp({ attributes: { axis }, inputs, cotangents, b }) {
    const [x, indices] = inputs as [Value, Value];
    const dy = cotangents[0] as Value;
    const at = normalizeAxis("Gather", axis, x.shape.length);
    const extent = x.shape[at] as number;
    const places = b.constant(
      Float64Array.from({ length: extent }, (_, i) => i),
      [extent, 1],
      "int64",
    );
    const oneHot = b.cast(b.equal(places, b.reshape(indices, [1, indices.shape[0] as number])), "float32");
    const outer = x.shape.slice(0, at);
    const inner = sizeOf(x.shape.slice(at + 1));
    const slices = b.reshape(dy, [sizeOf(outer), indices.shape[0] as number, inner]);
    return [b.reshape(b.matMul(oneHot, slices), x.shape), undefined];
  },
  reference(inputs, { axis }) {
    const [x, indices] = inputs as [NdArray, NdArray];
    const at = normalizeAxis("Gather", axis, x.shape.length);
    const extent = x.shape[at] as number;
    const outer = sizeOf(x.shape.slice(0, at));
    const inner = sizeOf(x.shape.slice(at + 1));
    const count = indices.data.length;
    const data = new Float64Array(outer * count * inner);
    for (let o = 0; o < outer; o++) {
      indices.data.forEach((index, i) => {
        if (index < 0 || index >= extent) throw shapeError("Gather", `indices in [0, ${extent})`, String(index));
        const start = (o * extent + index) * inner;
        data.set(x.data.subarray(start, start + inner), (o * count + i) * inner);
      });
    }
    return [
      ndarray(
        x.shape.map((e, i) => (i === at ? count : e)),
        data,
        x.dtype,
      ),
    ];
  },
};
