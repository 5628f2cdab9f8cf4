import {
  add,
  cast,
  constant,
  div,
  equal,
  exp,
  log,
  logSoftmax,
  mul,
  neg,
  reduceMean,
  reduceSum,
  scalar,
  sigmoid,
  softmax,
  split,
  sub,
} from "../../engine/graph/builders.ts";
import type { Value } from "../../engine/graph/types.ts";
import { binaryCrossEntropy } from "./losses.ts";

/** What the pixels of masks are to be. */
export interface MaskTargets {
  /** float32 [B, K, H, W], may be soft. One channel: how much a pixel is inside. More: its classes, the background first. */
  targets: Value;
  /** float32 [B, 1, H, W]: how much a pixel counts, 0 where nobody has judged it. Without it all count alike. */
  weights?: Value;
}

/**
 * The targets that classes of pixels come to.
 *
 * @param classes [B, 1, H, W] class indices in any dtype, 0 for the background.
 * @param channels of the logits: 1 for one class against the background.
 * @param ignored the value of pixels nobody has judged; without it all count.
 */
export function targetsOfClasses(classes: Value, channels: number, ignored?: number): MaskTargets {
  const values = cast(classes, "float32");
  const wanted = channels === 1 ? [1] : Array.from({ length: channels }, (_, k) => k);
  const is = (those: readonly number[]) =>
    cast(equal(values, constant([...those], [1, those.length, 1, 1])), "float32");
  const targets = is(wanted);
  return ignored === undefined ? { targets } : { targets, weights: sub(scalar(1), is([ignored])) };
}

/** [B, K, H, W] in [0, 1]: the sigmoid of one channel, the softmax over several. */
export function maskProbabilities(logits: Value): Value {
  return logits.shape[1] === 1 ? sigmoid(logits) : softmax(logits, 1);
}

/** Mean cross-entropy of the pixels that count: binary for one channel, else over the classes. */
export function maskCrossEntropy(logits: Value, { targets, weights }: MaskTargets): Value {
  return meanOfPixels(pixelCrossEntropy(logits, targets), weights);
}

/**
 * Mean over the pixels that count of (1 − p)^gamma · −log p, with p the probability of the true class, which targets name
 * wholly. With gamma 0 it is the cross-entropy. The power is that of {@link focalLoss}.
 *
 * Source: Lin et al. 2017, "Focal loss for dense object detection", without its weights of classes.
 */
export function maskFocalLoss(logits: Value, { targets, weights }: MaskTargets, gamma: number): Value {
  const surprise = pixelCrossEntropy(logits, targets);
  const rest = sub(scalar(1), exp(neg(surprise)));
  const focus = exp(mul(log(add(mul(rest, rest), scalar(1e-24))), scalar(gamma / 2)));
  return meanOfPixels(mul(focus, surprise), weights);
}

/** What overlap losses add above and below their fraction. Source: the paper's program. */
const SMOOTH = 1e-5;

/**
 * 1 − (2 · overlap + 1e-5) / (predicted + true + 1e-5), by image and class, and their mean. The background of several classes
 * is none of them.
 */
export function diceLoss(logits: Value, mask: MaskTargets): Value {
  const { both, predicted, truth } = overlaps(logits, mask);
  const share = div(smoothed(mul(both, scalar(2))), smoothed(add(predicted, truth)));
  return sub(scalar(1), reduceMean(share, [0, 1]));
}

/** How dear the two kinds of wrong pixels are; 0.5 each is Dice. */
export interface TverskyWeights {
  falsePositives: number;
  falseNegatives: number;
}

/**
 * 1 − (overlap + 1e-5) / (overlap + weighted false positives and negatives + 1e-5), by image and class as
 * {@link diceLoss}.
 *
 * Source: Salehi et al. 2017, "Tversky loss function for image segmentation".
 */
export function tverskyLoss(logits: Value, mask: MaskTargets, weights: TverskyWeights): Value {
  const { both, predicted, truth } = overlaps(logits, mask);
  const wrong = add(
    mul(sub(predicted, both), scalar(weights.falsePositives)),
    mul(sub(truth, both), scalar(weights.falseNegatives)),
  );
  return sub(scalar(1), reduceMean(div(smoothed(both), smoothed(add(both, wrong))), [0, 1]));
}

/** `bce-dice` is the paper's: half the cross-entropy and Dice. `ce-dice` has the whole of it. */
export const MASK_LOSSES = ["bce-dice", "dice", "ce-dice", "focal", "tversky"] as const;
export type MaskLossName = (typeof MASK_LOSSES)[number];

/** Of {@link maskLoss}. */
export interface MaskLossOptions {
  /** Of `focal`. Default 2. */
  gamma?: number;
  /** Of `tversky`. Default 0.3 and 0.7: a pixel that is missed is dearer. */
  tversky?: TverskyWeights;
}

/** A loss by its name; logits are [B, K, H, W]. */
export function maskLoss(name: MaskLossName, logits: Value, mask: MaskTargets, options: MaskLossOptions = {}): Value {
  const { gamma = 2, tversky = { falsePositives: 0.3, falseNegatives: 0.7 } } = options;
  switch (name) {
    case "bce-dice":
      return add(mul(maskCrossEntropy(logits, mask), scalar(0.5)), diceLoss(logits, mask));
    case "dice":
      return diceLoss(logits, mask);
    case "ce-dice":
      return add(maskCrossEntropy(logits, mask), diceLoss(logits, mask));
    case "focal":
      return maskFocalLoss(logits, mask, gamma);
    case "tversky":
      return tverskyLoss(logits, mask, tversky);
  }
}

/** [B, 1, H, W] */
function pixelCrossEntropy(logits: Value, targets: Value): Value {
  if (logits.shape[1] === 1) return binaryCrossEntropy(logits, targets);
  return neg(reduceSum(mul(targets, logSoftmax(logits, 1)), [1], true));
}

function meanOfPixels(losses: Value, weights: Value | undefined): Value {
  const [batch = 1, , height = 1, width = 1] = losses.shape;
  if (!weights) return mul(sumOfRows(losses, [0, 1]), scalar(1 / (batch * height * width)));
  // A batch in which nothing counts has a loss of 0.
  return div(sumOfRows(mul(losses, weights), [0, 1]), add(sumOfRows(weights, [0, 1]), scalar(1e-12)));
}

/** Sums [B, classes] of what counts: probability where it is true, probability, truth. */
function overlaps(logits: Value, { targets, weights }: MaskTargets): { both: Value; predicted: Value; truth: Value } {
  const classes = logits.shape[1] as number;
  const inside = (values: Value) => (classes === 1 ? values : (split(values, [1, classes - 1], 1)[1] as Value));
  const counted = (values: Value) => (weights ? mul(values, weights) : values);
  const probabilities = counted(inside(maskProbabilities(logits)));
  const truth = inside(targets);
  return {
    both: sumOfRows(mul(probabilities, truth)),
    predicted: sumOfRows(probabilities),
    truth: sumOfRows(counted(truth)),
  };
}

/** The sum over height and width, and over `others`: rows first, because one fp32 sum of many values is far off. */
function sumOfRows(values: Value, others: readonly number[] = []): Value {
  return reduceSum(reduceSum(values, [3]), [...others, 2]);
}

const smoothed = (values: Value): Value => add(values, scalar(SMOOTH));
