import { z } from "zod";
import { field } from "./fields.ts";

/** Mixing images and labels within a batch, by timm's names. */
export const mixingFields = {
  mixup: field(
    z.number().min(0).default(0),
    "Mixup: alpha of the beta distribution from which the share of each image is drawn; 0 turns it off.",
  ),
  cutmix: field(
    z.number().min(0).default(0),
    "Cutmix: alpha of the beta distribution of the share that the box leaves; 0 turns it off.",
  ),
  cutmixMinmax: field(
    z.array(z.number().gt(0).max(1)).length(2).optional(),
    "Cutmix boxes with sides between these shares of the image's; turns cutmix on.",
    {
      expected: "two shares above 0 and at most 1",
      placeholder: "least,most",
      defaultText: "boxes drawn from --cutmix",
    },
  ),
  mixupProb: field(
    z.number().min(0).max(1).default(1),
    "Probability that mixup or cutmix is applied to a batch, pair or element.",
  ),
  mixupSwitchProb: field(
    z.number().min(0).max(1).default(0.5),
    "Probability of cutmix instead of mixup where both are on.",
  ),
  mixupMode: field(
    z.enum(["batch", "pair", "elem"]).default("batch"),
    "What shares one draw of mixup and cutmix: the batch, a pair of images, or each image alone.",
  ),
  mixupOffEpoch: field(
    z.int().min(0).default(0),
    "First epoch, counted from 0, without mixup and cutmix; 0 keeps them to the end.",
  ),
};

/** Against classes of unequal size. */
export const balanceFields = {
  sampling: field(
    z.enum(["natural", "balanced"]).default("natural"),
    "Images of an epoch: each once, or as many of every class, those of rare classes several times.",
  ),
  classWeights: field(
    z
      .union([z.string(), z.array(z.number()).transform((weights) => weights.join(","))])
      .refine((text) => text === "none" || text === "balanced" || isWeights(text))
      .default("none"),
    "Weights of the classes in the loss: none, balanced (inverse to their number of training images), or one number per class in the order of the class names.",
    { expected: "none, balanced, or numbers of at least 0 with commas between", placeholder: "none|balanced|w,w,..." },
  ),
  loss: field(
    z.enum(["ce", "focal"]).default("ce"),
    "Loss: cross-entropy, or the focal loss, which gives less weight to images that are already right.",
  ),
  focalGamma: field(z.number().min(0).optional(), "Exponent of the focal loss; 0 makes it the cross-entropy.", {
    defaultText: "2 with --loss focal",
  }),
};

/** Numbers of at least 0, with commas between, at least one of them above 0. */
function isWeights(text: string): boolean {
  const parts = text.split(",");
  const weights = parts.map((part) =>
    /^\s*(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(part) ? Number(part) : Number.NaN,
  );
  return parts.length > 1 && weights.every((weight) => weight < Infinity) && weights.some((weight) => weight > 0);
}
