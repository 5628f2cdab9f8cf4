/** The factor on every gradient that brings a global norm down to `maxNorm`, as torch.nn.utils.clip_grad_norm_ has it. */
export function clipCoefficient(norm: number, maxNorm: number): number {
  return Math.min(1, maxNorm / (norm + 1e-6));
}
