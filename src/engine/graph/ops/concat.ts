import { ndarray } from "../ndarray.ts";
import { formatShape, normalizeAxis, shapeError, sizeOf } from "../shape.ts";
import type { NdArray, OpDefinition, Shape, TensorType, Value } from "../types.ts";

/** Joins along an axis; the derivative is split at the same places. */
export const concat: OpDefinition<"Concat"> = {
  infer: (inputs, { axis }) => [{ dtype: (inputs[0] as TensorType).dtype, shape: joinedShape(inputs, axis) }],
  vjp({ attributes: { axis }, inputs, cotangents, b }) {
    const sizes = inputs.map((input) => input.shape[normalizeAxis("Concat", axis, input.shape.length)] as number);
    return b.split(cotangents[0] as Value, sizes, axis);
  },
  reference(inputs, { axis }) {
    const shape = joinedShape(inputs, axis);
    const at = normalizeAxis("Concat", axis, shape.length);
    const outer = sizeOf(shape.slice(0, at));
    const line = sizeOf(shape.slice(at));
    const data = new Float64Array(sizeOf(shape));
    let start = 0;
    for (const input of inputs as readonly NdArray[]) {
      const own = sizeOf(input.shape.slice(at));
      for (let o = 0; o < outer; o++) data.set(input.data.subarray(o * own, (o + 1) * own), o * line + start);
      start += own;
    }
    return [ndarray(shape, data, (inputs[0] as NdArray).dtype)];
  },
};

function joinedShape(inputs: readonly TensorType[], axis: number): Shape {
  const first = (inputs[0] as TensorType).shape;
  const at = normalizeAxis("Concat", axis, first.length);
  const fits = (shape: Shape) => shape.length === first.length && shape.every((e, i) => i === at || e === first[i]);
  for (const { shape } of inputs) {
    if (!fits(shape)) throw shapeError("Concat", `shapes that agree beside axis ${axis}`, formatShape(shape));
  }
  return first.map((extent, i) =>
    i === at ? inputs.reduce((sum, { shape }) => sum + (shape[at] as number), 0) : extent,
  );
}
