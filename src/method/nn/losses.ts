import {
  add,
  exp,
  log,
  logSoftmax,
  mul,
  neg,
  reduceMean,
  reduceSum,
  relu,
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
 * The binary cross-entropy of each logit, log(1 + e^x) − t · x, in any shape; targets may be soft. It is written with |x| so
 * that nothing overflows; by |x| = max(x, 0) + max(−x, 0) its derivative is right at 0 as well, where logits of a network
 * that begins with zeros lie.
 */
export function binaryCrossEntropy(logits: Value, targets: Value): Value {
  const size = add(relu(logits), relu(neg(logits)));
  const half = mul(add(logits, size), scalar(0.5));
  const rest = log(add(scalar(1), exp(neg(size))));
  return add(sub(half, mul(logits, targets)), rest);
}

/**
 * Sum of weights · binary cross-entropy; all [batch, outputs]. With weights that sum to 1 it is a mean, in which what has
 * the weight 0 has no part.
 */
export function weightedBinaryCrossEntropy(logits: Value, targets: Value, weights: Value): Value {
  return reduceSum(mul(weights, binaryCrossEntropy(logits, targets)), [0, 1]);
}

/**
 * Sum of weights · Huber loss of logits − targets, all [batch, outputs]: half the square up to 1, |d| − ½ beyond. With
 * weights that sum to 1 it is a mean.
 */
export function weightedHuber(logits: Value, targets: Value, weights: Value): Value {
  const difference = sub(logits, targets);
  const size = add(relu(difference), relu(neg(difference)));
  const beyond = relu(sub(size, scalar(1)));
  const inner = sub(size, beyond);
  return reduceSum(mul(weights, add(mul(mul(inner, inner), scalar(0.5)), beyond)), [0, 1]);
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
