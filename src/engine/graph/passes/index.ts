import { type Graph, graph } from "../graph.ts";
import { shareCommonSubexpressions } from "./common-subexpressions.ts";
import { foldConstants } from "./constant-folding.ts";
import { dropNeutralElements } from "./neutral-elements.ts";

/** Keeps only what the outputs need. */
function dropDeadNodes(source: Graph): Graph {
  return graph(source.name, source.outputs);
}

/** The passes every graph goes through before it is written or run, in this order. */
export function optimize(source: Graph): Graph {
  return [foldConstants, dropNeutralElements, shareCommonSubexpressions, dropDeadNodes].reduce(
    (current, pass) => pass(current),
    source,
  );
}
