import { MsmaeError } from "../../support/errors.ts";
import { ops } from "./ops/index.ts";
import { formatShape, sameShape } from "./shape.ts";
import type { Node, OpAttributes, OpDefinition, OpName, Value } from "./types.ts";

/** A named set of outputs and everything they need, ready to be verified, printed, optimised, run or written. */
export interface Graph {
  readonly name: string;
  readonly inputs: readonly Value[];
  readonly outputs: ReadonlyMap<string, Value>;
  /** Every node, each after the nodes it reads. */
  readonly nodes: readonly Node[];
}

/** Collects the nodes behind named outputs. @throws MsmaeError Shape when two inputs share a name or a rule is broken. */
export function graph(name: string, outputs: Readonly<Record<string, Value>> | ReadonlyMap<string, Value>): Graph {
  const named = outputs instanceof Map ? new Map(outputs) : new Map(Object.entries(outputs));
  const nodes = sortedNodes([...named.values()]);
  const inputs = nodes.filter((node) => node.op === "Input").map((node) => node.outputs[0] as Value);
  const built = { name, inputs, outputs: named, nodes };
  verify(built);
  return built;
}

export function inputName(value: Value): string {
  return (value.node.attributes as OpAttributes["Input"]).name;
}

/** All nodes that `values` depend on, in creation order, which is an order of execution. */
export function sortedNodes(values: readonly Value[]): Node[] {
  const seen = new Set<Node>();
  const pending = values.map((value) => value.node);
  while (pending.length > 0) {
    const node = pending.pop() as Node;
    if (seen.has(node)) continue;
    seen.add(node);
    for (const { node: source } of node.inputs) if (!seen.has(source)) pending.push(source);
  }
  return [...seen].sort((a, b) => a.id - b.id);
}

/** Checks a graph before it runs: unique input names, sources before users, and types equal to what each rule infers. */
export function verify(candidate: Graph): void {
  const fail = (where: string, expected: string, got: string) =>
    new MsmaeError("Shape", { where: `graph "${candidate.name}", ${where}`, expected, got, todo: "report this graph" });
  const names = new Set<string>();
  const placed = new Set<Node>();
  for (const node of candidate.nodes) {
    for (const source of node.inputs) {
      if (!placed.has(source.node))
        throw fail(`node ${node.id} ${node.op}`, "its inputs before it", `node ${source.node.id} later`);
    }
    placed.add(node);
    if (node.op === "Input") {
      const { name } = node.attributes as OpAttributes["Input"];
      if (names.has(name)) throw fail(`input "${name}"`, "one input of each name", "two");
      names.add(name);
      continue;
    }
    const definition = ops[node.op] as OpDefinition<OpName>;
    const inferred = definition.infer(node.inputs, node.attributes);
    node.outputs.forEach((output, index) => {
      const type = inferred[index];
      if (!type || type.dtype !== output.dtype || !sameShape(type.shape, output.shape)) {
        const expected = type ? `${type.dtype} ${formatShape(type.shape)}` : "no such output";
        throw fail(`node ${node.id} ${node.op}`, expected, `${output.dtype} ${formatShape(output.shape)}`);
      }
    });
  }
  for (const [name, value] of candidate.outputs) {
    if (!placed.has(value.node)) throw fail(`output "${name}"`, "a node of the graph", "another graph's node");
  }
}
