import type { Value } from "./types.ts";

/** Outputs of a graph that go to the store instead of the caller, by how their names begin. */
const prefixes = { gradient: "grad/", state: "state/" } as const;

/** What an output brings to a tensor of the store: its gradient, or its next value. */
export type StoreOutput = keyof typeof prefixes;

/** The output under which a tensor's gradient, or the next value of a state tensor, leaves a graph. */
export function storeOutputName(kind: StoreOutput, key: string): string {
  return prefixes[kind] + key;
}

/** The tensor that an output of this kind is for; undefined for any other output. */
export function storeOutputKey(kind: StoreOutput, name: string): string | undefined {
  return name.startsWith(prefixes[kind]) ? name.slice(prefixes[kind].length) : undefined;
}

const carriedPrefix = "carried/";

/** The name under which a value goes from one part of a graph to a later one. */
export function carriedName(graph: string, { node, index }: Value): string {
  return `${carriedPrefix}${graph}/${node.id}.${index}`;
}

/** Whether an input or output goes from part to part. */
export function isCarried(name: string): boolean {
  return name.startsWith(carriedPrefix);
}
