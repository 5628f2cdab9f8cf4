import type { Graph } from "../../engine/graph/graph.ts";
import { inHalf } from "../../engine/graph/passes/in-half.ts";
import { inInt8 } from "../../engine/graph/passes/in-int8.ts";
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

/** In what training computes: float32, all products of the blocks' linear layers in float16, two of three in int8, or all three. */
export type Precision = "fp32" | "fp16" | "int8" | "int8-all";

/** Whether a precision that a run may ask for takes products in int8. */
export function isInt8(precision: Precision | "auto" | undefined): precision is "int8" | "int8-all" {
  return precision === "int8" || precision === "int8-all";
}

/**
 * Widths of vision transformers for which training in int8-all was shown to be as good as in float32, and to be faster
 * (docs/performance.md).
 */
const shownEqual = { least: 192, most: 768 } as const;

/**
 * The quickest precision that was shown to train a vision transformer as well as float32 does.
 *
 * @param embedDim the width of its encoder; none of another network.
 * @param architecture Node's name of the processor's. Only x64 was at hand to measure.
 */
export function shownPrecision(embedDim: number | undefined, architecture: string): "fp32" | "int8-all" {
  const { least, most } = shownEqual;
  const shown = architecture === "x64" && embedDim !== undefined && embedDim >= least && embedDim <= most;
  return shown ? "int8-all" : "fp32";
}

/** What of a store says which weights a precision is about. */
interface Weights {
  /** Those that are trained. */
  trainableNames: readonly string[];
  /** Those of which it keeps copies in int8. */
  quantizedNames: ReadonlySet<string>;
}

/** A training graph in a precision; the same graph in float32. */
export function inPrecision(
  graph: Graph,
  precision: Precision | "auto" | undefined,
  { trainableNames, quantizedNames }: Weights,
): Graph {
  if (precision === "fp16") return inHalf(graph, new Set(trainableNames.filter((name) => ofBlocks.test(name))));
  return inInt8(graph, quantizedNames, { weightGradients: precision === "int8-all" ? "int8" : "float32" });
}
