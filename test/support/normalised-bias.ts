/**
 * Whether the gradient of a tensor is zero but for rounding: that of a convolution's bias that the normalisation behind it
 * takes away. It is compared at the size of its kernel's gradient.
 */
export const isNoise = (name: string): boolean => /UP_stage_\d\.0\.bias$/.test(name);

/** The kernel beside a bias. */
export const kernelOf = (bias: string): string => bias.replace(/bias$/, "weight");
