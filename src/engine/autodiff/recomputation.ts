import { apply } from "../graph/builders.ts";
import type { Node, Value } from "../graph/types.ts";

/**
 * Stands a second computation in for a result that is cheap to make and large to keep: the GELU of a hidden layer, four
 * times as wide as the activations around it. A derivative that reads it makes it anew from what is kept anyway, so
 * that it can be dropped after the forward pass (decision 0008). The copies are marked `recomputed`: passes that join
 * equal expressions, ours and ONNX Runtime's, would otherwise make them one with the originals again.
 */
export function recomputation(): (value: Value) => Value {
  const copies = new Map<Node, Value>();
  return (value) => {
    const { node } = value;
    if (node.op !== "Gelu") return value;
    const copy = copies.get(node) ?? (apply("Gelu", node.inputs, { recomputed: true })[0] as Value);
    copies.set(node, copy);
    return copy;
  };
}
