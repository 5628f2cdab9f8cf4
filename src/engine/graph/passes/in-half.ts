import { halfGemm } from "../builders.ts";
import type { Graph } from "../graph.ts";
import { productByWeight } from "../products.ts";
import type { Value } from "../types.ts";
import { ForwardResults, gradientProducts } from "./products-of-weights.ts";
import { rewrite } from "./rewrite.ts";

/**
 * A training graph with the products by some weights in float16: the layers' own, x · Wᵀ + b, those of the derivative by what a layer
 * read, dy · W, and by the weight, dyᵀ · x. Weights and what layers read are rounded once for all of them, and what is kept for the
 * derivative is in float16; dy is brought to a largest magnitude of 1 before, each time by its own. All that stands between the
 * products, the weights that the optimiser steps and their gradients are float32 as before.
 *
 * Source: Micikevicius et al. 2018, "Mixed precision training", with a scale for each derivative in place of one for the loss.
 *
 * @param weights names of the inputs [out, in].
 */
export function inHalf(source: Graph, weights: ReadonlySet<string>): Graph {
  const byWeight = gradientProducts(source, weights);
  const forward = new ForwardResults();
  return rewrite(source, (node, inputs, keep) => {
    const [x, weight, bias] = inputs as [Value, Value | undefined, Value | undefined];
    if (weight && byWeight.has(node))
      return [halfGemm(x, forward.of(weight), undefined, { transA: true, scaled: true })];
    const product = productByWeight(node);
    if (weight && product && weights.has(product.key)) {
      const { transB } = product;
      return [halfGemm(x, weight, bias, { transB, scaled: !transB })];
    }
    const kept = keep();
    forward.see(node, inputs, kept[0] as Value);
    return kept;
  });
}
