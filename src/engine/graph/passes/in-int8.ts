import { constant, input, quantizedMatMul, quantizedWeightGradient } from "../builders.ts";
import type { DType } from "../dtypes.ts";
import type { Graph } from "../graph.ts";
import { mostRowsInInt8 } from "../ops/quantized-weight-gradient.ts";
import { productByWeight } from "../products.ts";
import { type QuantizedCopy, quantizedInputName } from "../quantized-names.ts";
import type { Node, Shape, Value } from "../types.ts";
import { ForwardResults, gradientProducts } from "./products-of-weights.ts";
import { rewrite } from "./rewrite.ts";

/**
 * A training graph with the products by some weights in int8: the layers' own, x · Wᵀ + b, and those of the derivative by
 * what a layer read, dy · W. Both round their first operand when they run, dy with a step for each row, and take the second from
 * the store's copies of the weight. The derivative by the weight, dyᵀ · x, is of the x and dy that come of the other two, the straight-through
 * gradient: in float32, unless `weightGradients` asks for int8, and then of x as it was rounded forward and of dy with a step for each
 * column. What stands between the products is as it was.
 *
 * Source: Wortsman et al. 2023, "Stable and low-precision training for large-scale vision-language models" (SwitchBack),
 * with a scale for each row and, in the derivative, each column of W, one for x, and one for each row of dy.
 *
 * @param weights names of the inputs [out, in] of which the store keeps copies in int8.
 * @param options `copies` gives a weight's copy in int8 [in, out], or its scales [out], where the store keeps none: they become
 * constants, and the graph has no derivatives.
 */
export function inInt8(
  source: Graph,
  weights: ReadonlySet<string>,
  { weightGradients = "float32", copies }: Int8Options = {},
): Graph {
  if (weights.size === 0) return source;
  const made = new Map<string, Value>();
  const copyOf = (key: string, copy: QuantizedCopy, shape: Shape, dtype: DType): Value => {
    const name = quantizedInputName(key, copy);
    const values = copy === "transposed" || copy === "rowScales" ? copies?.(key, copy) : undefined;
    const value = made.get(name) ?? (values ? constant(values, shape, dtype) : input(name, shape, dtype));
    made.set(name, value);
    return value;
  };
  const byWeight = weightGradients === "int8" ? gradientProducts(source, weights) : new Set<Node>();
  const forward = new ForwardResults();
  return rewrite(source, (node, inputs, keep) => {
    const [x, weight, bias] = inputs as [Value, Value | undefined, Value | undefined];
    if (weight && byWeight.has(node) && (x.shape[0] as number) <= mostRowsInInt8) {
      return [quantizedWeightGradient(x, forward.of(weight))];
    }
    const product = productByWeight(node);
    if (!weight || !product || !weights.has(product.key)) {
      const kept = keep();
      forward.see(node, inputs, kept[0] as Value);
      return kept;
    }
    const { key, transB } = product;
    const [rows, columns] = weight.shape as [number, number];
    const [copy, shape, scales, count] = transB
      ? (["transposed", [columns, rows], "rowScales", rows] as const)
      : (["plain", [rows, columns], "columnScales", columns] as const);
    const operands = [copyOf(key, copy, shape, "int8"), copyOf(key, scales, [count], "float32"), bias] as const;
    return [quantizedMatMul(x, ...operands, { byRows: !transB })];
  });
}

interface Int8Options {
  weightGradients?: "float32" | "int8";
  copies?: (key: string, copy: "transposed" | "rowScales") => Int8Array | Float32Array;
}
