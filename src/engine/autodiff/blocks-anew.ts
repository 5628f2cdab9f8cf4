import { apply, constant, gather, mul, reshape, scalar, sub } from "../graph/builders.ts";
import { sizeOf } from "../graph/shape.ts";
import type { Node, Value } from "../graph/types.ts";

/** What lies between what goes into a block and what goes into the next. */
interface Block {
  start: Value;
  end: Value;
}

/**
 * Stands values that are computed a second time in for those of blocks, so that of all that a block makes only what goes
 * into it lives until the derivative comes to it. What follows from inputs alone is there already; and after the last start
 * everything is kept, for it is read at once.
 *
 * @param order nodes of the forward pass, in order of creation.
 * @param starts what goes into each block.
 * @param cotangentOf the derivative by a value, once the nodes that read it have been differentiated.
 */
export function blocksAnew(
  order: readonly Node[],
  starts: readonly Value[],
  cotangentOf: (value: Value) => Value | undefined,
): (value: Value) => Value {
  const blockOf = nodesOfBlocks(order, starts);
  const startsAgain = new Map<Block, Value>();
  const copies = new Map<Node, readonly Value[]>();
  const copyOf = (value: Value, block: Block): Value => {
    if (value === block.start) return startsAgain.get(block) as Value;
    const { node, index } = value;
    if (blockOf.get(node) !== block) return value;
    const inputs = () => node.inputs.map((input) => copyOf(input, block));
    const copy = copies.get(node) ?? apply(node.op, inputs(), node.attributes);
    copies.set(node, copy);
    return copy[index] as Value;
  };
  return (value) => {
    const block = blockOf.get(value.node);
    const cotangent = block && cotangentOf(block.end);
    if (!block || !cotangent) return value;
    if (!startsAgain.has(block)) startsAgain.set(block, after(block.start, cotangent));
    return copyOf(value, block);
  };
}

/** Of each block but the last the nodes that follow from its start. */
function nodesOfBlocks(order: readonly Node[], starts: readonly Value[]): ReadonlyMap<Node, Block> {
  const reached = new Set(order);
  const sorted = starts.filter(({ node }) => reached.has(node)).sort((a, b) => a.node.id - b.node.id);
  const blockOf = new Map<Node, Block>();
  for (const [i, end] of sorted.slice(1).entries()) {
    const block = { start: sorted[i] as Value, end };
    const inside = order.filter(({ id }) => id > block.start.node.id && id < end.node.id);
    for (const node of inside) {
      const follows = node.inputs.some((input) => input === block.start || blockOf.get(input.node) === block);
      if (follows) blockOf.set(node, block);
    }
  }
  return blockOf;
}

/**
 * A value that is there only once `cause` is. Otherwise ONNX Runtime could compute a block's copies right behind the
 * originals, or make them one. To take +0 away leaves every number as it is; where the derivative is not finite, neither is
 * what comes of it.
 */
function after(value: Value, cause: Value): Value {
  const first = gather(reshape(cause, [sizeOf(cause.shape)]), constant([0], [1], "int64"), 0);
  const zero = mul(first, scalar(0));
  // The square, since -0 taken away would make +0 of -0.
  return sub(value, mul(zero, zero));
}
