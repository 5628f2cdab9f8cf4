import { mapUnary } from "../ndarray.ts";
import { expectFloat, reducedShape } from "../shape.ts";
import type { NdArray, OpDefinition, TensorType, Value } from "../types.ts";
import { reducedCount, sumOver } from "./reduce.ts";

/** Mean over axes; the derivative repeats `dy / count` along them. */
export const reduceMean: OpDefinition<"ReduceMean"> = {
  infer(inputs, { axes, keepdims }) {
    const x = inputs[0] as TensorType;
    expectFloat("ReduceMean", x);
    return [{ dtype: "float32", shape: reducedShape("ReduceMean", x.shape, axes, keepdims) }];
  },
  vjp({ attributes: { axes }, inputs, cotangents, b }) {
    const x = inputs[0] as Value;
    const share = b.mul(cotangents[0] as Value, b.scalar(1 / reducedCount("ReduceMean", x.shape, axes)));
    return [b.expand(b.reshape(share, reducedShape("ReduceMean", x.shape, axes, true)), x.shape)];
  },
  reference(inputs, { axes, keepdims }) {
    const x = inputs[0] as NdArray;
    const count = reducedCount("ReduceMean", x.shape, axes);
    return [mapUnary(sumOver("ReduceMean", x, axes, keepdims), (sum) => sum / count)];
  },
};
