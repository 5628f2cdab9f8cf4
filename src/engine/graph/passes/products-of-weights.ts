import type { Graph } from "../graph.ts";
import { storeOutputName } from "../output-names.ts";
import type { Node, OpAttributes, Value } from "../types.ts";

/** The products dyᵀ · x that are the gradients of these weights. */
export function gradientProducts({ outputs }: Graph, weights: ReadonlySet<string>): ReadonlySet<Node> {
  const products = Array.from(weights, (key) => outputs.get(storeOutputName("gradient", key))?.node);
  return new Set(products.filter((node) => node !== undefined && isGradientProduct(node)) as Node[]);
}

function isGradientProduct({ op, inputs, attributes }: Node): boolean {
  if (op !== "Gemm") return false;
  const { transA, transB, alpha } = attributes as OpAttributes["Gemm"];
  return transA && !transB && alpha === 1 && inputs.length === 2;
}

/**
 * While a graph is written anew: what stands for results that the backward pass would make anew (recomputation.ts), where the ones
 * of the forward pass are there in fewer bits already, which are less to keep than their making anew costs.
 */
export class ForwardResults {
  readonly #made = new Map<Value, Value>();

  /** Told of each node that is kept, with its first result. */
  see({ op, attributes }: Node, [x]: readonly Value[], result: Value): void {
    if (op === "Gelu" && !(attributes as OpAttributes["Gelu"]).recomputed) this.#made.set(x as Value, result);
  }

  of(value: Value): Value {
    return (value.node.op === "Gelu" && this.#made.get(value.node.inputs[0] as Value)) || value;
  }
}
