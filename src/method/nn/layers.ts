import { gelu, gemm, layerNormalization } from "../../engine/graph/builders.ts";
import type { Value } from "../../engine/graph/types.ts";
import type { Parameters } from "../../engine/parameters/specs.ts";

/** Epsilon of every LayerNorm of the method; models of other programs may have another. */
const layerNormEpsilon = 1e-6;

/** `x · Wᵀ + b` for rows x [T, in] with the weight [out, in] and bias of `prefix`. */
export function linear(x: Value, p: Parameters, prefix: string): Value {
  return gemm(x, p(`${prefix}.weight`), p(`${prefix}.bias`), { transB: true });
}

/** Normalises rows [T, D] with the scale and shift of `prefix`. */
export function layerNorm(x: Value, p: Parameters, prefix: string, epsilon = layerNormEpsilon): Value {
  return layerNormalization(x, p(`${prefix}.weight`), p(`${prefix}.bias`), epsilon)[0];
}

/** fc2(GELU(fc1(x))) over rows [T, D]. */
export function mlp(x: Value, p: Parameters, prefix: string): Value {
  return linear(gelu(linear(x, p, `${prefix}.fc1`)), p, `${prefix}.fc2`);
}
