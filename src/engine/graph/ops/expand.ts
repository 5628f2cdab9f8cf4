import { ndarray, walk } from "../ndarray.ts";
import { broadcastShapes, broadcastStrides, formatShape, sameShape, shapeError, sizeOf } from "../shape.ts";
import type { NdArray, OpDefinition, TensorType, Value } from "../types.ts";
import { sumTo } from "./broadcast.ts";

/** Repeats along axes of extent 1 up to `shape`; the derivative sums over the repeated axes. */
export const expand: OpDefinition<"Expand"> = {
  infer(inputs, { shape }) {
    const x = inputs[0] as TensorType;
    if (!sameShape(broadcastShapes("Expand", x.shape, shape), shape)) {
      throw shapeError("Expand", `a shape that ${formatShape(x.shape)} broadcasts to`, formatShape(shape));
    }
    return [{ dtype: x.dtype, shape }];
  },
  vjp: ({ inputs, cotangents, b }) => [sumTo(b, cotangents[0] as Value, (inputs[0] as Value).shape)],
  reference(inputs, { shape }) {
    const x = inputs[0] as NdArray;
    const data = new Float64Array(sizeOf(shape));
    walk(shape, [broadcastStrides(x.shape, shape)], (position, offsets) => {
      data[position] = x.data[offsets[0] as number] as number;
    });
    return [ndarray(shape, data, x.dtype)];
  },
};
