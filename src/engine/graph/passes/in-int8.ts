import { input, quantizedMatMul } from "../builders.ts";
import type { DType } from "../dtypes.ts";
import type { Graph } from "../graph.ts";
import { productByWeight } from "../products.ts";
import { type QuantizedCopy, quantizedInputName } from "../quantized-names.ts";
import type { Shape, Value } from "../types.ts";
import { rewrite } from "./rewrite.ts";

/**
 * A training graph with the products by some weights in int8: the layers' own, x · Wᵀ + b, and those of the derivative by
 * what a layer read, dy · W. Both round their first operand when they run, and take the second from the store's copies of
 * the weight. The derivative by the weight, dyᵀ · x, stays in float32, of the x and dy that come of the other two: the
 * straight-through gradient. What stands between the products is as it was.
 *
 * Source: Wortsman et al. 2023, "Stable and low-precision training for large-scale vision-language models" (SwitchBack),
 * with a scale for each row and, in the derivative, each column of W, and one for each of x and dy.
 *
 * @param weights names of the inputs [out, in] of which the store keeps copies in int8.
 */
export function inInt8(source: Graph, weights: ReadonlySet<string>): Graph {
  if (weights.size === 0) return source;
  const made = new Map<string, Value>();
  const copyOf = (key: string, copy: QuantizedCopy, shape: Shape, dtype: DType): Value => {
    const name = quantizedInputName(key, copy);
    const value = made.get(name) ?? input(name, shape, dtype);
    made.set(name, value);
    return value;
  };
  return rewrite(source, (node, inputs, keep) => {
    const [x, weight, bias] = inputs as [Value, Value | undefined, Value | undefined];
    const product = productByWeight(node);
    if (!weight || !product || !weights.has(product.key)) return keep();
    const { key, transB } = product;
    const [rows, columns] = weight.shape as [number, number];
    const [copy, shape, scales, count] = transB
      ? (["transposed", [columns, rows], "rowScales", rows] as const)
      : (["plain", [rows, columns], "columnScales", columns] as const);
    return [quantizedMatMul(x, copyOf(key, copy, shape, "int8"), copyOf(key, scales, [count], "float32"), bias)];
  });
}
