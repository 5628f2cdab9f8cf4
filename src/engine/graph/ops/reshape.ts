import { ndarray } from "../ndarray.ts";
import { formatShape, shapeError, sizeOf } from "../shape.ts";
import type { NdArray, OpDefinition, TensorType, Value } from "../types.ts";

/** The same elements in the same order under another shape; the derivative is reshaped back. */
export const reshape: OpDefinition<"Reshape"> = {
  infer(inputs, { shape }) {
    const x = inputs[0] as TensorType;
    if (sizeOf(shape) !== sizeOf(x.shape)) {
      throw shapeError("Reshape", `${sizeOf(x.shape)} elements as in ${formatShape(x.shape)}`, formatShape(shape));
    }
    return [{ dtype: x.dtype, shape }];
  },
  vjp: ({ inputs, cotangents, b }) => [b.reshape(cotangents[0] as Value, (inputs[0] as Value).shape)],
  reference(inputs, { shape }) {
    const x = inputs[0] as NdArray;
    return [ndarray(shape, x.data, x.dtype)];
  },
};
