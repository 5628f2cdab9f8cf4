import { mapLines } from "../ndarray.ts";
import { expectFloat, normalizeAxis } from "../shape.ts";
import type { NdArray, OpDefinition, TensorType, Value } from "../types.ts";

/** Softmax along an axis; saves its output: derivative `y · (dy - Σ dy · y)`. */
export const softmax: OpDefinition<"Softmax"> = {
  infer(inputs, { axis }) {
    const x = inputs[0] as TensorType;
    expectFloat("Softmax", x);
    normalizeAxis("Softmax", axis, x.shape.length);
    return [x];
  },
  vjp({ attributes: { axis }, outputs, cotangents, b }) {
    const y = outputs[0] as Value;
    const weighted = b.mul(cotangents[0] as Value, y);
    return [b.sub(weighted, b.mul(y, b.reduceSum(weighted, [axis], true)))];
  },
  reference(inputs, { axis }) {
    const x = inputs[0] as NdArray;
    return [
      mapLines(x, normalizeAxis("Softmax", axis, x.shape.length), (line) => {
        const largest = line.reduce((a, b) => Math.max(a, b), -Infinity);
        const powers = line.map((value) => Math.exp(value - largest));
        const total = powers.reduce((a, b) => a + b, 0);
        return powers.map((value) => value / total);
      }),
    ];
  },
};
