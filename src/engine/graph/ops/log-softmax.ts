import { mapLines } from "../ndarray.ts";
import { expectFloat, normalizeAxis } from "../shape.ts";
import type { NdArray, OpDefinition, TensorType, Value } from "../types.ts";

/** Logarithm of the softmax along an axis; saves its output: derivative `dy - e^y · Σ dy`. */
export const logSoftmax: OpDefinition<"LogSoftmax"> = {
  infer(inputs, { axis }) {
    const x = inputs[0] as TensorType;
    expectFloat("LogSoftmax", x);
    normalizeAxis("LogSoftmax", axis, x.shape.length);
    return [x];
  },
  vjp({ attributes: { axis }, outputs, cotangents, b }) {
    const dy = cotangents[0] as Value;
    return [b.sub(dy, b.mul(b.exp(outputs[0] as Value), b.reduceSum(dy, [axis], true)))];
  },
  reference(inputs, { axis }) {
    const x = inputs[0] as NdArray;
    return [
      mapLines(x, normalizeAxis("LogSoftmax", axis, x.shape.length), (line) => {
        const largest = line.reduce((a, b) => Math.max(a, b), -Infinity);
        const total = line.reduce((sum, value) => sum + Math.exp(value - largest), 0);
        return line.map((value) => value - largest - Math.log(total));
      }),
    ];
  },
};
