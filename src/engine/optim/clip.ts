/** The L2 norm over all the tensors together, as torch.nn.utils.clip_grad_norm_ takes it. */
export function globalNorm(gradients: Iterable<Float64Array>): number {
  let sum = 0;
  for (const gradient of gradients) for (const value of gradient) sum += value * value;
  return Math.sqrt(sum);
}

/** The factor on every gradient that brings a global norm down to `maxNorm`, as torch.nn.utils.clip_grad_norm_ has it. */
export function clipCoefficient(norm: number, maxNorm: number): number {
  return Math.min(1, maxNorm / (norm + 1e-6));
}
