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
