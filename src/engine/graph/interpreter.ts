import { MsmaeError } from "../../support/errors.ts";
import type { Graph } from "./graph.ts";
import { inputName } from "./graph.ts";
import { ndarray } from "./ndarray.ts";
import { ops } from "./ops/index.ts";
import { formatShape, sizeOf } from "./shape.ts";
import type { NdArray, Node, OpDefinition, OpName, Value } from "./types.ts";

/** Input values by name, as flat row-major arrays. */
export type Feeds = Readonly<Record<string, ArrayLike<number | bigint>>>;

/**
 * Runs a graph in float64 with each operator's own reference: the measure for every other execution. Values are
 * dropped after their last use. @throws MsmaeError Shape for a missing input or one of the wrong length.
 */
export function interpret(graph: Graph, feeds: Feeds): Map<string, NdArray> {
  const values = new Map<Value, NdArray>();
  const lastUse = new Map<Value, Node>();
  for (const node of graph.nodes) for (const source of node.inputs) lastUse.set(source, node);
  const kept = new Set(graph.outputs.values());

  for (const node of graph.nodes) {
    if (node.op === "Input") {
      const value = node.outputs[0] as Value;
      values.set(value, fed(value, feeds));
      continue;
    }
    const inputs = node.inputs.map((source) => values.get(source) as NdArray);
    const results = (ops[node.op] as OpDefinition<OpName>).reference(inputs, node.attributes);
    node.outputs.forEach((output, i) => {
      values.set(output, results[i] as NdArray);
    });
    for (const source of node.inputs) {
      if (lastUse.get(source) === node && !kept.has(source)) values.delete(source);
    }
  }
  return new Map([...graph.outputs].map(([name, value]) => [name, values.get(value) as NdArray]));
}

function fed(value: Value, feeds: Feeds): NdArray {
  const name = inputName(value);
  const data = feeds[name];
  if (!data || data.length !== sizeOf(value.shape)) {
    throw new MsmaeError("Shape", {
      where: `input "${name}"`,
      expected: `${sizeOf(value.shape)} elements for ${formatShape(value.shape)}`,
      got: data ? String(data.length) : "no value",
      todo: "feed every input of the graph",
    });
  }
  return ndarray(value.shape, Float64Array.from(data, Number), value.dtype);
}
