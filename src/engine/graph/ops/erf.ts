import { mapUnary } from "../ndarray.ts";
import { expectFloat } from "../shape.ts";
import type { NdArray, OpDefinition, TensorType, Value } from "../types.ts";

/** The error function; derivative `dy · 2/√π · e^(-x²)`. */
export const erf: OpDefinition<"Erf"> = {
  infer(inputs) {
    const x = inputs[0] as TensorType;
    expectFloat("Erf", x);
    return [x];
  },
  vjp({ inputs, cotangents, b }) {
    const x = inputs[0] as Value;
    const slope = b.mul(b.exp(b.neg(b.mul(x, x))), b.scalar(2 / Math.sqrt(Math.PI)));
    return [b.mul(cotangents[0] as Value, slope)];
  },
  reference(inputs) {
    return [mapUnary(inputs[0] as NdArray, erf64)];
  },
};

/**
 * The error function to float64 accuracy.
 * Source: Abramowitz & Stegun 7.1.6, a series of positive terms and so without cancellation; beyond 6 it is ±1.
 */
export function erf64(x: number): number {
  if (Math.abs(x) >= 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > Math.abs(sum) * 1e-17; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}
