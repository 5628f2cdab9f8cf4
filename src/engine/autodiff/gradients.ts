import { MsmaeError } from "../../support/errors.ts";
import { builders, scalar } from "../graph/builders.ts";
import { sortedNodes } from "../graph/graph.ts";
import { ops } from "../graph/ops/index.ts";
import { formatShape, sizeOf } from "../graph/shape.ts";
import type { Node, OpDefinition, OpName, Value } from "../graph/types.ts";
import { blocksAnew } from "./blocks-anew.ts";
import { recomputation } from "./recomputation.ts";

export interface GradientOptions {
  /** Values from which derivatives compute anew what was made between one and the next, in place of keeping it. */
  blockStarts?: readonly Value[];
}

/**
 * Reverse-mode derivatives of a scalar: new nodes that compute d loss / d value for each of `wrt`, of the same shapes.
 * Only nodes on a path from one of `wrt` to the loss get a derivative. A value the loss does not depend on gets zeros.
 *
 * @throws MsmaeError Shape when the loss is not one number.
 */
export function gradients(loss: Value, wrt: readonly Value[], { blockStarts = [] }: GradientOptions = {}): Value[] {
  if (sizeOf(loss.shape) !== 1) {
    throw new MsmaeError("Shape", {
      where: "gradients",
      expected: "a loss of one element",
      got: formatShape(loss.shape),
      todo: "reduce the loss to a scalar first",
    });
  }
  const order = sortedNodes([loss]);
  const active = activeNodes(order, wrt);
  const cotangents = new Map<Value, Value>();
  cotangents.set(loss, loss.shape.length === 0 ? scalar(1) : builders.reshape(scalar(1), loss.shape));

  const anew = blocksAnew(order, blockStarts, (value) => cotangents.get(value));
  const recompute = recomputation();
  for (const node of order.toReversed()) {
    if (!active.has(node) || node.inputs.length === 0) continue;
    const ofOutputs = node.outputs.map((output) => cotangents.get(output));
    if (ofOutputs.every((cotangent) => cotangent === undefined)) continue;
    const definition = ops[node.op] as OpDefinition<OpName>;
    const ofInputs = definition.vjp({
      attributes: node.attributes,
      inputs: node.inputs.map((input) => recompute(anew(input))),
      outputs: node.outputs.map(anew),
      cotangents: ofOutputs,
      needed: node.inputs.map((input) => active.has(input.node)),
      b: builders,
    });
    node.inputs.forEach((input, i) => {
      const contribution = ofInputs[i];
      if (!contribution || !active.has(input.node)) return;
      const sum = cotangents.get(input);
      cotangents.set(input, sum ? builders.add(sum, contribution) : contribution);
    });
  }
  return wrt.map((value) => cotangents.get(value) ?? builders.zeros(value.shape));
}

/** The nodes whose outputs depend on one of `wrt`. */
function activeNodes(order: readonly Node[], wrt: readonly Value[]): Set<Node> {
  const active = new Set<Node>(wrt.map((value) => value.node));
  for (const node of order) {
    if (node.inputs.some((input) => active.has(input.node))) active.add(node);
  }
  return active;
}
