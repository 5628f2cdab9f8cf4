import { mapUnary } from "../ndarray.ts";
import type { NdArray, OpDefinition, TensorType } from "../types.ts";

/** Changes the dtype: to integers by truncation, to bool by "is not zero". Only integer inputs occur, so no derivative. */
export const cast: OpDefinition<"Cast"> = {
  infer: (inputs, { to }) => [{ dtype: to, shape: (inputs[0] as TensorType).shape }],
  vjp: () => [undefined],
  reference(inputs, { to }) {
    const convert = to === "float32" ? (x: number) => x : to === "bool" ? (x: number) => (x === 0 ? 0 : 1) : Math.trunc;
    return [mapUnary(inputs[0] as NdArray, convert, to)];
  },
};
