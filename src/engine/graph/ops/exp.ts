import { mapUnary } from "../ndarray.ts";
import { expectFloat } from "../shape.ts";
import type { NdArray, OpDefinition, TensorType, Value } from "../types.ts";

/** `y = eˣ`; saves its output: derivative `dy · y`. */
export const exp: OpDefinition<"Exp"> = {
  infer(inputs) {
    const x = inputs[0] as TensorType;
    expectFloat("Exp", x);
    return [x];
  },
  vjp({ outputs, cotangents, b }) {
    const y = outputs[0] as Value;
    const dy = cotangents[0] as Value;
    return [b.mul(dy, y)];
  },
  reference(inputs) {
    return [mapUnary(inputs[0] as NdArray, Math.exp)];
  },
};
