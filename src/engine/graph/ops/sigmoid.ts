import { mapUnary } from "../ndarray.ts";
import { expectFloat } from "../shape.ts";
import type { NdArray, OpDefinition, TensorType, Value } from "../types.ts";

/** `y = 1 / (1 + e⁻ˣ)`; saves its output: derivative `dy · (y - y²)`. */
export const sigmoid: OpDefinition<"Sigmoid"> = {
  infer(inputs) {
    const x = inputs[0] as TensorType;
    expectFloat("Sigmoid", x);
    return [x];
  },
  vjp({ outputs, cotangents, b }) {
    const y = outputs[0] as Value;
    return [b.mul(cotangents[0] as Value, b.sub(y, b.mul(y, y)))];
  },
  reference(inputs) {
    return [mapUnary(inputs[0] as NdArray, (x) => 1 / (1 + Math.exp(-x)))];
  },
};
