import { input } from "../builders.ts";
import { type Graph, graph, inputName, sortedNodes } from "../graph.ts";
import { carriedName } from "../output-names.ts";
import type { Node, Value } from "../types.ts";
import { rewrite } from "./rewrite.ts";

/**
 * Cuts a graph into graphs that run one after another, so that some outputs are there before others are computed. Each part
 * computes what its outputs need and no part before it has computed. What a later part reads of an earlier one leaves that as an
 * output, and comes in as an input, of the name {@link carriedName}. Constants and reshapes, which cost nothing, are made where
 * they are read.
 *
 * @param groups names of outputs, which are there after the part of their group at the latest; those of no group after the first.
 * @param stands whether an input of this name is there for every part. What else is fed is fed to the first, which carries it.
 * @returns as many graphs as there are groups.
 */
export function inParts(
  source: Graph,
  groups: readonly ReadonlySet<string>[],
  stands: (input: string) => boolean,
): Graph[] {
  const groupOf = (name: string) =>
    Math.max(
      0,
      groups.findIndex((group) => group.has(name)),
    );
  const outputs = [...source.outputs];
  const partOf = new Map<Node, number>();
  for (const part of groups.keys()) {
    const wanted = outputs.filter(([name]) => groupOf(name) === part).map(([, value]) => value);
    for (const node of sortedNodes(wanted)) if (!partOf.has(node)) partOf.set(node, part);
  }
  // Whatever is fed, is fed to the first part.
  for (const { node } of source.inputs) partOf.set(node, 0);
  const isMadeAnywhere = ({ node }: Value) =>
    node.op === "Constant" || (node.op === "Input" && stands(inputName(node.outputs[0] as Value)));
  const carried = carriedValues(source, partOf, isMadeAnywhere);
  return groups.map((_, part) => {
    const own = outputs.filter(([name, value]) => {
      return part === (isMadeAnywhere(value) ? groupOf(name) : partOf.get(value.node));
    });
    const leaving = [...carried].filter(([value]) => partOf.get(value.node) === part);
    const named = new Map([...own, ...leaving.map(([value, name]): [string, Value] => [name, value])]);
    const name = part === 0 ? source.name : `${source.name}, part ${part + 1}`;
    return rewrite(graph(name, named), (node, _inputs, keep) => {
      const kept = keep();
      const isEarlier = (partOf.get(node) as number) < part;
      return node.outputs.map((value, i) => {
        const arrives = isEarlier ? carried.get(value) : undefined;
        return arrives === undefined ? (kept[i] as Value) : input(arrives, value.shape, value.dtype);
      });
    });
  });
}

/** What goes from a part to a later one, by the name under which it does. */
function carriedValues(
  { name, nodes }: Graph,
  partOf: ReadonlyMap<Node, number>,
  isMadeAnywhere: (value: Value) => boolean,
): Map<Value, string> {
  const carried = new Map<Value, string>();
  for (const node of nodes) {
    const part = partOf.get(node) as number;
    const isEarlier = (value: Value) => (partOf.get(value.node) as number) < part;
    for (const read of node.inputs) {
      let value = read;
      while (value.node.op === "Reshape" && isEarlier(value)) value = value.node.inputs[0] as Value;
      if (isEarlier(value) && !isMadeAnywhere(value)) carried.set(value, carriedName(name, value));
    }
  }
  return carried;
}
