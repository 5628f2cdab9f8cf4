import { z } from "zod";
import { field } from "./fields.ts";

const probability = (preset: number) => z.number().min(0).max(1).default(preset);

/** What happens to training images; the names are timm's where it has them. The paper crops and mirrors only. */
export const augmentationFields = {
  cropMinScale: field(
    z.number().gt(0).max(1).default(0.2),
    "Smallest share of an image's area that a random training crop keeps, 1 for no crop; raise it where a small crop may cut the lesion away.",
  ),
  hflip: field(probability(0.5), "Probability that a training image is mirrored left to right."),
  vflip: field(probability(0), "Probability that a training image is flipped upside down."),
  rot90: field(z.boolean().default(false), "Turn each training image by a random multiple of 90 degrees."),
  rotate: field(z.number().min(0).max(180).default(0), "Largest random rotation either way, in degrees."),
  zoom: field(
    z.number().min(0).max(4).default(0),
    "Largest random enlargement of the sides: factors from 1/(1 + zoom) to 1 + zoom.",
  ),
  elastic: field(
    z.array(z.number().gt(0)).optional(),
    "Elastic deformation: alpha and sigma in pixels; displacements deviate by alpha / (6.1 sigma) pixels, so that 300,15 moves places by about 3.",
    { defaultText: "none", expected: "alpha,sigma such as 300,15, sigma at least 1", placeholder: "alpha,sigma" },
  ),
  elasticProb: field(probability(0.5), "Probability of --elastic for each image."),
  aa: field(
    z.string().min(1).optional(),
    "Automatic augmentation in timm's words: RandAugment as rand-m9-mstd0.5-inc1, or AutoAugment's original, originalr, v0, v0r or 3a.",
    { aliases: ["autoAugment"], defaultText: "none", placeholder: "policy" },
  ),
  colorJitter: field(
    z.array(z.number().min(0)).optional(),
    "Random change of brightness, contrast and saturation by up to this share: one number, or three, or four with the hue (at most 0.5); left out beside --aa, as in timm, but for 3a.",
    { defaultText: "none", expected: "1, 3 or 4 numbers of at least 0", placeholder: "x|b,c,s[,h]" },
  ),
  colorJitterProb: field(probability(1), "Probability of --color-jitter for each image."),
  intensity: field(
    z.number().min(0).max(2).default(0),
    "Strength of the intensity changes usual for grey medical images (noise, blur, brightness, contrast, gamma); 1 is nnU-Net's, 0 none.",
  ),
  reprob: field(probability(0), "Probability that rectangles of a training image are erased."),
  remode: field(
    z.enum(["const", "rand", "pixel"]).default("pixel"),
    "What erased rectangles show: the mean, one random colour each, or random pixels.",
  ),
  recount: field(z.int().min(1).max(100).default(1), "Most erased rectangles per image."),
  augInterpolation: field(
    z.enum(["random", "bilinear", "bicubic", "nearest"]).default("random"),
    "How rotations, shears and translations sample; random takes bilinear or bicubic.",
  ),
  augFill: field(
    z.enum(["mean", "black"]).default("mean"),
    "What shows where an image was moved away: the mean that is subtracted, as in timm, or black.",
  ),
};
