import { toDtype } from "../dtypes.ts";
import { ndarray } from "../ndarray.ts";
import type { NdArray, OpDefinition, TensorType } from "../types.ts";

/** Changes the dtype, as {@link toDtype} does. Only integer inputs occur, so no derivative. */
export const cast: OpDefinition<"Cast"> = {
  infer: (inputs, { to }) => [{ dtype: to, shape: (inputs[0] as TensorType).shape }],
  vjp: () => [undefined],
  reference(inputs, { to }) {
    const { shape, data } = inputs[0] as NdArray;
    // Floats keep the precision of the reference.
    return [ndarray(shape, to === "float32" ? data : Float64Array.from(toDtype(to, data), Number), to)];
  },
};
