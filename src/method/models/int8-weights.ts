import type { ParameterSpec } from "../../engine/parameters/specs.ts";

/** The linear layers of transformer blocks, of encoder and decoder; first and last layers and heads are none of them. */
const ofBlocks = /(^|\.)(decoder_)?blocks\.\d+\.(attn\.(qkv|proj)|mlp\.fc[12])\.weight$/;

/**
 * The weights whose products training may compute in int8: those of the blocks' linear layers, but for extents that are no
 * multiples of 16, which the optimiser's kernels take at a time.
 */
export function int8Weights(specs: readonly ParameterSpec[]): ReadonlySet<string> {
  const fits = ({ name, role, shape }: ParameterSpec) =>
    role === "trainable" && ofBlocks.test(name) && shape.every((extent) => extent % 16 === 0);
  return new Set(specs.filter(fits).map(({ name }) => name));
}

/** In what training computes: float32, two of the three products of a layer in int8, or all three. */
export type Precision = "fp32" | "int8" | "int8-all";

/** Whether a precision that a run may ask for takes products in int8. */
export function isInt8(precision: Precision | "auto" | undefined): precision is "int8" | "int8-all" {
  return precision === "int8" || precision === "int8-all";
}

/** What of the products by {@link int8Weights} a precision takes in int8, for {@link inInt8}. */
export function int8Products(precision: Precision | "auto" | undefined): { weightGradients: "float32" | "int8" } {
  return { weightGradients: precision === "int8-all" ? "int8" : "float32" };
}
