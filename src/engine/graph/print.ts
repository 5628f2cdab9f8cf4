import type { Graph } from "./graph.ts";
import { formatShape } from "./shape.ts";
import type { Node, OpAttributes, Value } from "./types.ts";

/** The graph as text, one line per node: `%3:float32[4, 8] = Gemm(%0, %1) transB`. Numbers follow the order of the list. */
export function printGraph({ name, nodes, outputs }: Graph): string {
  const names = new Map<Value, string>();
  let count = 0;
  for (const node of nodes) for (const output of node.outputs) names.set(output, `%${count++}`);
  const lines = nodes.map((node) => {
    const results = node.outputs.map((output) => `${names.get(output)}:${output.dtype}${formatShape(output.shape)}`);
    const operands = node.inputs.map((source) => names.get(source)).join(", ");
    return `  ${results.join(", ")} = ${node.op}(${operands})${formatAttributes(node)}`;
  });
  const returned = [...outputs].map(([key, value]) => `${key}=${names.get(value)}`);
  return [`graph ${name} {`, ...lines, `  return ${returned.join(", ")}`, "}"].join("\n");
}

function formatAttributes(node: Node): string {
  if (node.op === "Constant") {
    const { data } = node.attributes as OpAttributes["Constant"];
    const shown = [...data.slice(0, 4)].map((value) => Number(value.toPrecision(6))).join(", ");
    return ` [${shown}${data.length > 4 ? ", …" : ""}]`;
  }
  return Object.entries(node.attributes)
    .filter(([key, value]) => value !== false && !(key === "alpha" && value === 1))
    .map(([key, value]) => ` ${value === true ? key : `${key}=${Array.isArray(value) ? formatShape(value) : value}`}`)
    .join("");
}
