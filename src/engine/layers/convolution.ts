import { MsmaeError } from "../../support/errors.ts";
import { add, batchNormalization, constant, conv, div, mul, reshape, scalar, sqrt, sub } from "../graph/builders.ts";
import { formatShape, sizeOf } from "../graph/shape.ts";
import type { Pair, Value, WindowAttributes } from "../graph/types.ts";
import type { ParameterSpec, Parameters } from "../parameters/specs.ts";

/** PyTorch's own for BatchNorm. */
const batchNormMomentum = 0.1;
/** What share of a running statistic, the only kind of state that layers have, is left after a batch. */
export const runningKept = 1 - batchNormMomentum;

/** Whether the statistics of the batch are used and noted, or those that training noted. */
export type BatchNormMode = "training" | "evaluation";

/** What a convolution has beside its kernel: no bias where a normalisation follows, which would take it away. */
export interface ConvShape {
  inChannels: number;
  outChannels: number;
  kernel: Pair;
  bias: boolean;
}

/** The specs of a Conv2d, that start as PyTorch's: uniform in ±1 / √(values that one output reads), weight and bias. */
export function conv2dSpecs(prefix: string, { inChannels, outChannels, kernel, bias }: ConvShape): ParameterSpec[] {
  const init = { kind: "uniform", bound: 1 / Math.sqrt(inChannels * kernel[0] * kernel[1]) } as const;
  const weight = { name: `${prefix}.weight`, shape: [outChannels, inChannels, ...kernel], init };
  const vectors = bias ? [{ name: `${prefix}.bias`, shape: [outChannels], init }] : [];
  return [weight, ...vectors].map((spec) => ({ ...spec, role: "trainable" }));
}

/**
 * Convolves images x [B, C, H, W] with the weight of `prefix` [O, C, kh, kw], and its bias where the model has one:
 * [B, O, H', W']. Stride 1, no padding and dilation 1 unless told otherwise.
 */
export function conv2d(
  x: Value,
  p: Parameters,
  prefix: string,
  { bias, ...window }: Partial<WindowAttributes> & { bias: boolean },
): Value {
  return conv(x, p(`${prefix}.weight`), bias ? p(`${prefix}.bias`) : undefined, window);
}

/** How a batch normalisation differs from PyTorch's usual one. */
export interface BatchNormOptions {
  /** Added to the variance, 1e-5 unless told otherwise. */
  epsilon?: number;
  /** Whether it has a weight and a bias of its own: yes unless told otherwise. */
  affine?: boolean;
}

/**
 * The specs of a BatchNorm: its running statistics are states. PyTorch's `num_batches_tracked`, which only a
 * momentum of none would read, is not kept; PyTorch loads a checkpoint without it.
 */
export function batchNormSpecs(
  prefix: string,
  features: number,
  { affine = true }: Pick<BatchNormOptions, "affine"> = {},
): ParameterSpec[] {
  const shape = [features];
  const own: ParameterSpec[] = [
    { name: `${prefix}.weight`, shape, role: "trainable", init: { kind: "ones" } },
    { name: `${prefix}.bias`, shape, role: "trainable", init: { kind: "zeros" } },
  ];
  return [
    ...(affine ? own : []),
    { name: `${prefix}.running_mean`, shape, role: "state", init: { kind: "zeros" } },
    { name: `${prefix}.running_var`, shape, role: "state", init: { kind: "ones" } },
  ];
}

/**
 * Normalises images x [B, C, H, W] per channel. In training by the batch's statistics, towards which the running ones
 * move by a tenth (the variance as of a sample, divided by one less); else by the running ones.
 *
 * @throws MsmaeError Shape in training when a channel has one value only.
 */
export function batchNorm(
  x: Value,
  p: Parameters,
  prefix: string,
  mode: BatchNormMode,
  { epsilon = 1e-5, affine = true }: BatchNormOptions = {},
): Value {
  const channels = x.shape[1] as number;
  const keys = { mean: `${prefix}.running_mean`, variance: `${prefix}.running_var` };
  const all = (value: number) => constant(new Float64Array(channels).fill(value), [channels]);
  const [scale, bias] = affine ? [p(`${prefix}.weight`), p(`${prefix}.bias`)] : [all(1), all(0)];
  if (mode === "evaluation") {
    const gain = div(scale, sqrt(add(p(keys.variance), scalar(epsilon))));
    const perChannel = (vector: Value) => reshape(vector, [1, ...vector.shape, 1, 1]);
    return add(mul(x, perChannel(gain)), perChannel(sub(bias, mul(p(keys.mean), gain))));
  }
  const values = sizeOf(x.shape) / channels;
  if (values < 2) {
    throw new MsmaeError("Shape", {
      where: prefix,
      expected: "more than one value of each channel to train a batch normalisation with",
      got: formatShape(x.shape),
      todo: "use larger batches or images",
    });
  }
  const [y, mean, variance] = batchNormalization(x, scale, bias, epsilon);
  const moved = (from: Value, to: Value, share: number) => add(mul(from, scalar(runningKept)), mul(to, scalar(share)));
  p.update(keys.mean, moved(p(keys.mean), mean, batchNormMomentum));
  p.update(keys.variance, moved(p(keys.variance), variance, (batchNormMomentum * values) / (values - 1)));
  return y;
}
