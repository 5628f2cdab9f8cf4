import { mapUnary } from "../ndarray.ts";
import { expectFloat } from "../shape.ts";
import type { NdArray, OpDefinition, TensorType, Value } from "../types.ts";

/** `y = -x`; derivative `-dy`. */
export const neg: OpDefinition<"Neg"> = {
  infer(inputs) {
    const x = inputs[0] as TensorType;
    expectFloat("Neg", x);
    return [x];
  },
  vjp({ cotangents, b }) {
    const dy = cotangents[0] as Value;
    return [b.neg(dy)];
  },
  reference(inputs) {
    return [mapUnary(inputs[0] as NdArray, (x) => -x)];
  },
};
