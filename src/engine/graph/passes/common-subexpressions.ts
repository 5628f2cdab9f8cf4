import type { Graph } from "../graph.ts";
import type { Node, Value } from "../types.ts";
import { rewrite } from "./rewrite.ts";

/** Computes equal expressions once: nodes of the same operator, attributes and inputs become one. */
export function shareCommonSubexpressions(source: Graph): Graph {
  const known = new Map<string, readonly Value[]>();
  return rewrite(source, (node, inputs, keep) => {
    if (node.op === "Input") return keep();
    const key = `${node.op}|${inputs.map((input) => `${input.node.id}.${input.index}`).join()}|${attributeKey(node)}`;
    const first = known.get(key);
    if (first) return first;
    const outputs = keep();
    known.set(key, outputs);
    return outputs;
  });
}

function attributeKey(node: Node): string {
  return JSON.stringify(node.attributes, (_, value: unknown) =>
    value instanceof Float64Array ? Array.from(value) : value,
  );
}
