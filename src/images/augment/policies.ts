import type { OperationName } from "./operations.ts";

/** An operation, the probability that it is applied, and its magnitude. */
export type PolicyStep = readonly [name: OperationName, probability: number, magnitude: number];
/** Steps one after the other. */
export type SubPolicy = readonly PolicyStep[];

/** "NAME PROBABILITY MAGNITUDE, …" per sub-policy. */
const original = [
  "Posterize 0.4 8, Rotate 0.6 9",
  "Solarize 0.6 5, AutoContrast 0.6 5",
  "Equalize 0.8 8, Equalize 0.6 3",
  "Posterize 0.6 7, Posterize 0.6 6",
  "Equalize 0.4 7, Solarize 0.2 4",
  "Equalize 0.4 4, Rotate 0.8 8",
  "Solarize 0.6 3, Equalize 0.6 7",
  "Posterize 0.8 5, Equalize 1 2",
  "Rotate 0.2 3, Solarize 0.6 8",
  "Equalize 0.6 8, Posterize 0.4 6",
  "Rotate 0.8 8, Color 0.4 0",
  "Rotate 0.4 9, Equalize 0.6 2",
  "Equalize 0 7, Equalize 0.8 8",
  "Invert 0.6 4, Equalize 1 8",
  "Color 0.6 4, Contrast 1 8",
  "Rotate 0.8 8, Color 1 2",
  "Color 0.8 8, Solarize 0.8 7",
  "Sharpness 0.4 7, Invert 0.6 8",
  "ShearX 0.6 5, Equalize 1 9",
  "Color 0.4 0, Equalize 0.6 3",
  "Equalize 0.4 7, Solarize 0.2 4",
  "Solarize 0.6 5, AutoContrast 0.6 5",
  "Invert 0.6 4, Equalize 1 8",
  "Color 0.6 4, Contrast 1 8",
  "Equalize 0.8 8, Equalize 0.6 3",
];

const v0 = [
  "Equalize 0.8 1, ShearY 0.8 4",
  "Color 0.4 9, Equalize 0.6 3",
  "Color 0.4 1, Rotate 0.6 8",
  "Solarize 0.8 3, Equalize 0.4 7",
  "Solarize 0.4 2, Solarize 0.6 2",
  "Color 0.2 0, Equalize 0.8 8",
  "Equalize 0.4 8, SolarizeAdd 0.8 3",
  "ShearX 0.2 9, Rotate 0.6 8",
  "Color 0.6 1, Equalize 1 2",
  "Invert 0.4 9, Rotate 0.6 0",
  "Equalize 1 9, ShearY 0.6 3",
  "Color 0.4 7, Equalize 0.6 0",
  "Posterize 0.4 6, AutoContrast 0.4 7",
  "Solarize 0.6 8, Color 0.6 9",
  "Solarize 0.2 4, Rotate 0.8 9",
  "Rotate 1 7, TranslateYRel 0.8 9",
  "ShearX 0 0, Solarize 0.8 4",
  "ShearY 0.8 0, Color 0.6 4",
  "Color 1 0, Rotate 0.6 2",
  "Equalize 0.8 4, Equalize 0 8",
  "Equalize 1 4, AutoContrast 0.6 2",
  "ShearY 0.4 7, SolarizeAdd 0.6 7",
  "Posterize 0.8 2, Solarize 0.6 10",
  "Solarize 0.6 8, Equalize 0.6 1",
  "Color 0.8 6, Rotate 0.4 5",
];

/** Reads a policy; `posterize` is the operation that stands for Posterize in it. */
function policyOf(lines: readonly string[], posterize: OperationName): SubPolicy[] {
  return lines.map((line) =>
    line.split(", ").map((step): PolicyStep => {
      const [name, probability, magnitude] = step.split(" ") as [OperationName, string, string];
      return [name === "Posterize" ? posterize : name, Number(probability), Number(magnitude)];
    }),
  );
}

/**
 * AutoAugment policies, of which one sub-policy is drawn per image: the paper's, TensorFlow's v0, both with posterise
 * growing with the magnitude (r), and the 3-Augment of DeiT III.
 * Source: arXiv 1805.09501, table 9; arXiv 2204.07118; timm 1.0 `auto_augment.py`.
 */
export const autoAugmentPolicies: Readonly<Record<string, readonly SubPolicy[]>> = {
  original: policyOf(original, "PosterizeOriginal"),
  originalr: policyOf(original, "PosterizeIncreasing"),
  v0: policyOf(v0, "Posterize"),
  v0r: policyOf(v0, "PosterizeIncreasing"),
  "3a": [[["Solarize", 1, 5]], [["Desaturate", 1, 10]], [["GaussianBlurRand", 1, 10]]],
};

/** The operations of RandAugment. */
export const randOperations: readonly OperationName[] = [
  "AutoContrast",
  "Equalize",
  "Invert",
  "Rotate",
  "Posterize",
  "Solarize",
  "SolarizeAdd",
  "Color",
  "Contrast",
  "Brightness",
  "Sharpness",
  "ShearX",
  "ShearY",
  "TranslateXRel",
  "TranslateYRel",
];

/** The same, each stronger at a higher magnitude (`inc1`). */
export const randIncreasing: readonly OperationName[] = [
  "AutoContrast",
  "Equalize",
  "Invert",
  "Rotate",
  "PosterizeIncreasing",
  "SolarizeIncreasing",
  "SolarizeAdd",
  "ColorIncreasing",
  "ContrastIncreasing",
  "BrightnessIncreasing",
  "SharpnessIncreasing",
  "ShearX",
  "ShearY",
  "TranslateXRel",
  "TranslateYRel",
];

/** Named choices of operations (`t`), with their relative weights. */
export const randChoices: Readonly<
  Record<string, Readonly<Partial<Record<OperationName, number>>> | readonly OperationName[]>
> = {
  weights: {
    Rotate: 3,
    ShearX: 2,
    ShearY: 2,
    TranslateXRel: 1,
    TranslateYRel: 1,
    ColorIncreasing: 0.25,
    SharpnessIncreasing: 0.25,
    AutoContrast: 0.25,
    SolarizeIncreasing: 0.05,
    SolarizeAdd: 0.05,
    ContrastIncreasing: 0.05,
    BrightnessIncreasing: 0.05,
    Equalize: 0.05,
    PosterizeIncreasing: 0.05,
    Invert: 0.05,
  },
  "3aw": {
    SolarizeIncreasing: 6,
    Desaturate: 6,
    GaussianBlur: 6,
    Rotate: 3,
    ShearX: 2,
    ShearY: 2,
    PosterizeIncreasing: 1,
    AutoContrast: 1,
    ColorIncreasing: 1,
    SharpnessIncreasing: 1,
    ContrastIncreasing: 1,
    BrightnessIncreasing: 1,
    Equalize: 1,
    Invert: 1,
  },
  "3a": ["SolarizeIncreasing", "Desaturate", "GaussianBlur"],
};
