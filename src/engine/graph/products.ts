import { inputName } from "./graph.ts";
import type { Node, OpAttributes, Value } from "./types.ts";

/** The product of a linear layer, of its derivative by what it reads, or any other by a whole tensor that is fed. */
export interface ProductByWeight {
  /** The name of the weight's input. */
  key: string;
  /** Whether the weight is taken transposed, as layers take theirs. */
  transB: boolean;
}

/** What a node multiplies by; undefined where it is no product `x · w` or `x · wᵀ`, scaled by nothing, by an input. */
export function productByWeight({ op, inputs, attributes }: Node): ProductByWeight | undefined {
  const [, weight] = inputs as [Value, Value | undefined];
  if (op !== "Gemm" || weight?.node.op !== "Input") return undefined;
  const { transA, transB, alpha } = attributes as OpAttributes["Gemm"];
  return !transA && alpha === 1 ? { key: inputName(weight), transB } : undefined;
}
