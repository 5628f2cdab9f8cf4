import { logSoftmax, mul, reduceMean, reduceSum, scalar, softmax, sub } from "../graph/builders.ts";
import type { Value } from "../graph/types.ts";

/** Mean over images of `-Σ targets · log softmax(logits)`; both [batch, classes], targets may be soft. */
export function crossEntropy(logits: Value, targets: Value): Value {
  const batch = logits.shape[0] as number;
  return mul(reduceSum(mul(targets, logSoftmax(logits)), [0, 1]), scalar(-1 / batch));
}

/**
 * The cross-entropy of softmaxed logits, as the published program computes it: softmax is applied twice.
 * PARITY: `clsLoss: "softmax-ce"` of the paper's recipe.
 */
export function softmaxCrossEntropy(logits: Value, targets: Value): Value {
  return crossEntropy(softmax(logits), targets);
}

/** Mean of squared differences over all elements. */
export function meanSquaredError(prediction: Value, target: Value): Value {
  const difference = sub(prediction, target);
  return reduceMean(mul(difference, difference), [...difference.shape.keys()]);
}
