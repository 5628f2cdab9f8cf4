/** One tensor as LARS sees it, float64. */
export interface LarsTensor {
  parameter: Float64Array;
  gradient: Float64Array;
  momentum: Float64Array;
}

/** The settings of one update of one tensor; `lr` has the group's scale in it. */
export interface LarsReferenceStep {
  lr: number;
  l2: number;
  momentum: number;
  trustCoefficient: number;
  /** Whether the tensor moves in proportion to its norm: not where its rank is 1. */
  scaled: boolean;
  gradientScale?: number;
}

/**
 * One LARS update in float64, in place: the definition that the kernels are compared with.
 *
 * Source: You, Gitman and Ginsburg 2017, algorithm 1; exceptions as MAE's linear probe.
 */
export function larsReference({ parameter, gradient, momentum }: LarsTensor, step: LarsReferenceStep): void {
  const { lr, l2, momentum: kept, trustCoefficient, scaled, gradientScale = 1 } = step;
  const movement = gradient.map((value, i) => gradientScale * value + l2 * (parameter[i] as number));
  const [length, distance] = [Math.hypot(...parameter), Math.hypot(...movement)];
  const trust = scaled && length > 0 && distance > 0 ? (trustCoefficient * length) / distance : 1;
  for (const [i, value] of movement.entries()) {
    momentum[i] = kept * (momentum[i] as number) + trust * value;
    parameter[i] = (parameter[i] as number) - lr * (momentum[i] as number);
  }
}
