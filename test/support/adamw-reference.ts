/** One tensor as AdamW sees it, float64. */
export interface AdamWTensor {
  parameter: Float64Array;
  gradient: Float64Array;
  firstMoment: Float64Array;
  secondMoment: Float64Array;
}

/** The settings of one update of one tensor; `lr` has the group's scale in it, `stepIndex` counts from 1. */
export interface AdamWReferenceStep {
  lr: number;
  weightDecay: number;
  /** Of the penalty whose derivative joins the scaled gradient, as torch.optim.Adam has it. */
  l2?: number;
  beta1: number;
  beta2: number;
  eps: number;
  stepIndex: number;
  gradientScale?: number;
}

/**
 * One AdamW update in float64, in place: the definition that the kernels are compared with.
 *
 * Source: Loshchilov and Hutter 2019, algorithm 2; order of operations as torch.optim.AdamW.
 */
export function adamwReference(tensor: AdamWTensor, step: AdamWReferenceStep): void {
  const { parameter, gradient, firstMoment, secondMoment } = tensor;
  const { lr, weightDecay, beta1, beta2, eps, stepIndex, gradientScale = 1, l2 = 0 } = step;
  const correction1 = 1 - beta1 ** stepIndex;
  const rootCorrection2 = Math.sqrt(1 - beta2 ** stepIndex);
  for (let i = 0; i < parameter.length; i++) {
    const g = (gradient[i] as number) * gradientScale + l2 * (parameter[i] as number);
    const m = (firstMoment[i] as number) + (1 - beta1) * (g - (firstMoment[i] as number));
    const v = beta2 * (secondMoment[i] as number) + (1 - beta2) * g * g;
    const denominator = Math.sqrt(v) / rootCorrection2 + eps;
    parameter[i] = (parameter[i] as number) * (1 - lr * weightDecay) - (lr / correction1) * (m / denominator);
    firstMoment[i] = m;
    secondMoment[i] = v;
  }
}

/** The L2 norm over all the tensors together, as torch.nn.utils.clip_grad_norm_ takes it. */
export function globalNorm(gradients: Iterable<Float64Array>): number {
  let sum = 0;
  for (const gradient of gradients) for (const value of gradient) sum += value * value;
  return Math.sqrt(sum);
}
