import type { ErrorParts } from "../support/errors.ts";
import type { Check } from "./verb.ts";

interface Mixing {
  mixup?: number;
  cutmix?: number;
  cutmixMinmax?: readonly number[];
  batchSize?: number;
}

/** Images are mixed in pairs, and a box needs room to be drawn. */
export const checkMixing: Check<Mixing> = ({ mixup = 0, cutmix = 0, cutmixMinmax, batchSize }) => {
  const problems: ErrorParts[] = [];
  const mixes = mixup > 0 || cutmix > 0 || cutmixMinmax !== undefined;
  if (mixes && batchSize !== undefined && batchSize % 2 !== 0) {
    problems.push({
      where: "batchSize",
      expected: "an even number, since mixup and cutmix mix images in pairs",
      got: String(batchSize),
      todo: "change it by one, or leave out mixup and cutmix",
    });
  }
  const [least = 0, most = 0] = cutmixMinmax ?? [0, 1];
  if (least >= most) {
    problems.push({
      where: "cutmixMinmax",
      expected: "the smaller share first",
      got: `${least}, ${most}`,
      todo: "give for example 0.2,0.8",
    });
  }
  return problems;
};

export const checkLoss: Check<{ loss?: "ce" | "focal"; focalGamma?: number }> = ({ loss, focalGamma }) =>
  focalGamma === undefined || loss !== "ce"
    ? []
    : [
        {
          where: "focalGamma",
          expected: "the focal loss with it",
          got: '"ce"',
          todo: "add --loss focal, or leave out --focal-gamma",
        },
      ];

/** What is allowed but may surprise, one sentence each. */
export function balanceNotes({ sampling, classWeights }: { sampling: string; classWeights: string }): string[] {
  return sampling === "balanced" && classWeights === "balanced"
    ? [
        "rare classes are both shown more often and given more weight: balancing them twice favours them over the others",
      ]
    : [];
}
