import { mapUnary } from "../ndarray.ts";
import { expectFloat } from "../shape.ts";
import type { NdArray, OpDefinition, TensorType, Value } from "../types.ts";

/** `y = 1/x`; saves its output: derivative `-dy · y²`. */
export const reciprocal: OpDefinition<"Reciprocal"> = {
  infer(inputs) {
    const x = inputs[0] as TensorType;
    expectFloat("Reciprocal", x);
    return [x];
  },
  vjp({ outputs, cotangents, b }) {
    const y = outputs[0] as Value;
    const dy = cotangents[0] as Value;
    return [b.neg(b.mul(dy, b.mul(y, y)))];
  },
  reference(inputs) {
    return [mapUnary(inputs[0] as NdArray, (x) => 1 / x)];
  },
};
