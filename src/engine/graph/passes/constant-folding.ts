import { constant } from "../builders.ts";
import type { Graph } from "../graph.ts";
import { ops } from "../ops/index.ts";
import { sizeOf } from "../shape.ts";
import type { NdArray, OpAttributes, OpDefinition, OpName, Value } from "../types.ts";
import { rewrite } from "./rewrite.ts";

/** Folded results larger than this stay computed: a model file should hold a recipe, not a table. */
const largestFolded = 4096;

/** Evaluates at build time what depends on constants alone, in float64. */
export function foldConstants(source: Graph): Graph {
  return rewrite(source, (node, inputs, keep) => {
    const foldable =
      inputs.length > 0 &&
      inputs.every((input) => input.node.op === "Constant") &&
      node.outputs.every((output) => sizeOf(output.shape) <= largestFolded);
    if (!foldable) return keep();
    const definition = ops[node.op] as OpDefinition<OpName>;
    return definition
      .reference(inputs.map(constantValue), node.attributes)
      .map(({ data, shape, dtype }) => constant(data, shape, dtype));
  });
}

/** The value of a Constant node. */
export function constantValue(value: Value): NdArray {
  const { data, dtype, shape } = value.node.attributes as OpAttributes["Constant"];
  return { data, dtype, shape };
}
