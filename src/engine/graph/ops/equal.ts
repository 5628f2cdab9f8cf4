import { mapBinary } from "../ndarray.ts";
import { broadcastShapes, shapeError } from "../shape.ts";
import type { NdArray, OpDefinition, TensorType } from "../types.ts";

/** Whether two arrays are equal, element by element with broadcasting; it has no derivative. */
export const equal: OpDefinition<"Equal"> = {
  infer(inputs) {
    const [x, y] = inputs as [TensorType, TensorType];
    if (x.dtype !== y.dtype) throw shapeError("Equal", "operands of one dtype", `${x.dtype} and ${y.dtype}`);
    return [{ dtype: "bool", shape: broadcastShapes("Equal", x.shape, y.shape) }];
  },
  vjp: () => [undefined, undefined],
  reference(inputs) {
    const [x, y] = inputs as [NdArray, NdArray];
    return [mapBinary(x, y, broadcastShapes("Equal", x.shape, y.shape), (p, q) => (p === q ? 1 : 0), "bool")];
  },
};
