import { type AugmentationOptions, augmentationProblem, usesColorJitter } from "../images/augment/plan.ts";
import type { Size } from "./size.ts";
import type { Check } from "./verb.ts";

export const checkAugmentation: Check<Partial<AugmentationOptions> & { inputSize?: Size }> = (options) => {
  const { inputSize } = options;
  const input = inputSize && { inputHeight: inputSize.height, inputWidth: inputSize.width };
  const problem = augmentationProblem(options, input ?? {});
  return problem ? [problem.parts] : [];
};

/** What is allowed but may surprise, one sentence each. */
export function augmentationNotes(options: { aa?: string; colorJitter?: readonly number[] }): string[] {
  if (options.colorJitter === undefined || usesColorJitter(options)) return [];
  return [
    `--color-jitter is left out beside --aa ${options.aa}, as in timm: automatic augmentation changes colours itself`,
  ];
}
