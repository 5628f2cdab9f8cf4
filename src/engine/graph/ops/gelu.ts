import { mapUnary } from "../ndarray.ts";
import { expectFloat } from "../shape.ts";
import type { NdArray, OpDefinition, TensorType, Value } from "../types.ts";
import { erf64 } from "./erf.ts";

/**
 * `y = x · Φ(x)` with the exact normal distribution function; derivative `dy · (Φ(x) + x φ(x))`.
 * With u = x/√2 that is `dy/2 · (1 + erf u + 2/√π · u / e^(u²))`: the division keeps the number of passes over
 * memory low, and goes to zero where e^(u²) overflows.
 * Source: Hendrycks & Gimpel 2016.
 */
export const gelu: OpDefinition<"Gelu"> = {
  infer(inputs) {
    const x = inputs[0] as TensorType;
    expectFloat("Gelu", x);
    return [x];
  },
  vjp({ inputs, cotangents, b }) {
    const u = b.mul(inputs[0] as Value, b.scalar(Math.SQRT1_2));
    const density = b.mul(b.div(u, b.exp(b.mul(u, u))), b.scalar(1 / Math.sqrt(Math.PI)));
    const distribution = b.add(b.mul(b.erf(u), b.scalar(0.5)), b.scalar(0.5));
    return [b.mul(cotangents[0] as Value, b.add(distribution, density))];
  },
  reference(inputs) {
    return [mapUnary(inputs[0] as NdArray, (x) => 0.5 * x * (1 + erf64(x * Math.SQRT1_2)))];
  },
};
