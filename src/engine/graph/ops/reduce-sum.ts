import { expectFloat, reducedShape } from "../shape.ts";
import type { NdArray, OpDefinition, TensorType, Value } from "../types.ts";
import { sumOver } from "./reduce.ts";

/** Sum over axes; the derivative repeats `dy` along them. */
export const reduceSum: OpDefinition<"ReduceSum"> = {
  infer(inputs, { axes, keepdims }) {
    const x = inputs[0] as TensorType;
    expectFloat("ReduceSum", x);
    return [{ dtype: "float32", shape: reducedShape("ReduceSum", x.shape, axes, keepdims) }];
  },
  vjp({ attributes: { axes }, inputs, cotangents, b }) {
    const x = inputs[0] as Value;
    const kept = b.reshape(cotangents[0] as Value, reducedShape("ReduceSum", x.shape, axes, true));
    return [b.expand(kept, x.shape)];
  },
  reference: (inputs, { axes, keepdims }) => [sumOver("ReduceSum", inputs[0] as NdArray, axes, keepdims)],
};
