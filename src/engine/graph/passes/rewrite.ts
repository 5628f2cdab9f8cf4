import { apply } from "../builders.ts";
import { type Graph, graph } from "../graph.ts";
import type { Node, Value } from "../types.ts";

/**
 * Rebuilds a graph node by node, in order. `replace` sees each node with its inputs already rewritten and returns the
 * values that stand for its outputs: another's, or the node's own by `keep()`.
 */
export function rewrite(
  source: Graph,
  replace: (node: Node, inputs: readonly Value[], keep: () => readonly Value[]) => readonly Value[],
): Graph {
  const current = new Map<Value, Value>();
  for (const node of source.nodes) {
    const inputs = node.inputs.map((input) => current.get(input) as Value);
    const unchanged = inputs.every((input, i) => input === node.inputs[i]);
    const keep = () => (unchanged ? node.outputs : apply(node.op, inputs, node.attributes));
    const outputs = replace(node, inputs, keep);
    node.outputs.forEach((output, i) => {
      current.set(output, outputs[i] as Value);
    });
  }
  return graph(source.name, new Map([...source.outputs].map(([name, value]) => [name, current.get(value) as Value])));
}
