import { mapUnary } from "../ndarray.ts";
import { expectFloat } from "../shape.ts";
import type { NdArray, OpDefinition, TensorType, Value } from "../types.ts";

/** `y = √x`; saves its output: derivative `dy / 2y`. */
export const sqrt: OpDefinition<"Sqrt"> = {
  infer(inputs) {
    const x = inputs[0] as TensorType;
    expectFloat("Sqrt", x);
    return [x];
  },
  vjp({ outputs, cotangents, b }) {
    const y = outputs[0] as Value;
    const dy = cotangents[0] as Value;
    return [b.div(b.mul(dy, b.scalar(0.5)), y)];
  },
  reference(inputs) {
    return [mapUnary(inputs[0] as NdArray, Math.sqrt)];
  },
};
