import type { Graph } from "../graph.ts";
import { sameShape } from "../shape.ts";
import type { Value } from "../types.ts";
import { constantValue } from "./constant-folding.ts";
import { rewrite } from "./rewrite.ts";

/** Drops operations that change nothing: `x + 0`, `x - 0`, `x · 1`, `x / 1`, and a Reshape of a Reshape's source shape. */
export function dropNeutralElements(source: Graph): Graph {
  return rewrite(source, (node, inputs, keep) => {
    const [x, y] = inputs as [Value, Value | undefined];
    const output = node.outputs[0] as Value;
    const passes = (kept: Value, other: Value | undefined, neutral: number) =>
      other?.node.op === "Constant" &&
      sameShape(kept.shape, output.shape) &&
      constantValue(other).data.every((value) => value === neutral);
    switch (node.op) {
      case "Add":
        if (passes(x, y, 0)) return [x];
        return y && passes(y, x, 0) ? [y] : keep();
      case "Mul":
        if (passes(x, y, 1)) return [x];
        return y && passes(y, x, 1) ? [y] : keep();
      case "Sub":
        return passes(x, y, 0) ? [x] : keep();
      case "Div":
        return passes(x, y, 1) ? [x] : keep();
      case "Reshape": {
        const inner = x.node.op === "Reshape" ? (x.node.inputs[0] as Value) : x;
        return sameShape(inner.shape, output.shape) ? [inner] : keep();
      }
      default:
        return keep();
    }
  });
}
