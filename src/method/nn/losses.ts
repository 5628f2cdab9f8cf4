import {
  add,
  exp,
  log,
  logSoftmax,
  mul,
  reduceMean,
  reduceSum,
  scalar,
  softmax,
  sub,
} from "../../engine/graph/builders.ts";
import type { Value } from "../../engine/graph/types.ts";

/** Mean over images of `-Σ targets · log softmax(logits)`; both [batch, classes], targets may be soft. */
export function crossEntropy(logits: Value, targets: Value): Value {
  const batch = logits.shape[0] as number;
  return mul(reduceSum(mul(targets, logSoftmax(logits)), [0, 1]), scalar(-1 / batch));
}

/**
 * The focal loss: mean over images of `-Σ targets · (1 − p)^gamma · log p` with p = softmax(logits); both [batch,
 * classes], targets may be soft. With gamma 0 it is the cross-entropy.
 *
 * The power is that of (1 − p)² + 1e-24: it stays above zero when p rounds to one, and so has a finite derivative for
 * every gamma.
 *
 * Source: Lin et al. 2017, "Focal loss for dense object detection", with soft targets in place of one class.
 */
export function focalLoss(logits: Value, targets: Value, gamma: number): Value {
  const batch = logits.shape[0] as number;
  const logProbabilities = logSoftmax(logits);
  const rest = sub(scalar(1), exp(logProbabilities));
  const squared = add(mul(rest, rest), scalar(1e-24));
  const focus = exp(mul(log(squared), scalar(gamma / 2)));
  return mul(reduceSum(mul(targets, mul(focus, logProbabilities)), [0, 1]), scalar(-1 / batch));
}

/**
 * The cross-entropy of softmaxed logits, as the published program computes it: softmax is applied twice.
 * PARITY: `clsLoss: "softmax-ce"` of the paper's recipe.
 */
export function softmaxCrossEntropy(logits: Value, targets: Value): Value {
  return crossEntropy(softmax(logits), targets);
}

/**
 * Mean over rows of each row's mean squared difference; both [rows, values]. In two stages, because one fp32 sum of
 * millions of squares is off by 2e-4 and takes twice as long.
 */
export function meanSquaredError(prediction: Value, target: Value): Value {
  const difference = sub(prediction, target);
  return reduceMean(reduceMean(mul(difference, difference), [1]), [0]);
}
