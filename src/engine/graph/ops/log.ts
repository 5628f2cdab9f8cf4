import { mapUnary } from "../ndarray.ts";
import { expectFloat } from "../shape.ts";
import type { NdArray, OpDefinition, TensorType, Value } from "../types.ts";

/** `y = ln x`; derivative `dy / x`. */
export const log: OpDefinition<"Log"> = {
  infer(inputs) {
    const x = inputs[0] as TensorType;
    expectFloat("Log", x);
    return [x];
  },
  vjp({ inputs, cotangents, b }) {
    const x = inputs[0] as Value;
    const dy = cotangents[0] as Value;
    return [b.div(dy, x)];
  },
  reference(inputs) {
    return [mapUnary(inputs[0] as NdArray, Math.log)];
  },
};
