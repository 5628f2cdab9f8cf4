import type { ErrorParts } from "../support/errors.ts";
import { nearestName, sameSized } from "./names.ts";
import { formatSize, type Size } from "./size.ts";
import type { Check } from "./verb.ts";

/** @param presets the models that the verb can make, by name. */
export function checkModel(presets: Readonly<Record<string, object>>): Check<{ model?: string }> {
  const names = Object.keys(presets);
  return ({ model }) => {
    if (model === undefined || names.includes(model)) return [];
    const meant = sameSized(model, names) ?? nearestName(model, names);
    const todo = meant === undefined ? "choose one of them" : `did you mean ${meant}?`;
    return [{ where: "model", expected: `one of ${names.join(", ")}`, got: JSON.stringify(model), todo }];
  };
}

type Sizes = {
  inputSize?: Size;
  patchSize?: number;
};

export const checkPatches: Check<Sizes> = ({ inputSize, patchSize }) => {
  if (inputSize === undefined || patchSize === undefined) return [];
  if (inputSize.height % patchSize === 0 && inputSize.width % patchSize === 0) return [];
  const nearestSide = (side: number): number => Math.max(1, Math.round(side / patchSize)) * patchSize;
  const nearest = formatSize({ height: nearestSide(inputSize.height), width: nearestSide(inputSize.width) });
  return [
    {
      where: "inputSize",
      expected: `sides divisible by the patch size ${patchSize}`,
      got: formatSize(inputSize),
      todo: `take ${nearest}, or set another patchSize`,
    },
  ];
};

type Channels = {
  inChans?: 1 | 3;
  mean?: readonly number[];
  std?: readonly number[];
};

export const checkChannels: Check<Channels> = ({ inChans, mean, std }) => {
  const problems: ErrorParts[] = [];
  for (const [where, values] of [
    ["mean", mean],
    ["std", std],
  ] as const) {
    if (inChans !== undefined && values !== undefined && values.length !== inChans) {
      problems.push({
        where,
        expected: `${inChans} ${inChans === 1 ? "value" : "values"}, one per channel`,
        got: JSON.stringify(values),
        todo: "give as many values as inChans says",
      });
    }
  }
  if (std?.some((value) => !(value > 0))) {
    problems.push({
      where: "std",
      expected: "values above 0",
      got: JSON.stringify(std),
      todo: "pixels are divided by it",
    });
  }
  return problems;
};

/** Counts of patches as masking makes them. Source: method, floor(L·maskRatio) and floor(L·(maskRatio+throwRatio)). */
function patchCounts(patches: number, maskRatio: number, throwRatio: number): { masked: number; kept: number } {
  const masked = Math.floor(patches * maskRatio);
  return { masked, kept: patches - Math.floor(patches * (maskRatio + throwRatio)) };
}

function ratioProblem(maskRatio: number, throwRatio: number, got: string, todo: string): ErrorParts {
  return {
    where: "maskRatio, throwRatio",
    expected: "shares that leave at least one patch for the encoder, together below 1",
    got: `${maskRatio} + ${throwRatio}${got}`,
    todo,
  };
}

/** The number of patches, where size and patch size are known and fit. */
function patchesOf({ inputSize, patchSize }: Sizes): number | undefined {
  if (inputSize === undefined || patchSize === undefined) return undefined;
  const patches = (inputSize.height / patchSize) * (inputSize.width / patchSize);
  return Number.isInteger(patches) ? patches : undefined;
}

type Ratios = Sizes & {
  maskRatio?: number;
  throwRatio?: number;
  attentionStartEpoch?: number | "never";
  masking?: "attention" | "random";
};

/** Attention-driven masking must keep a patch, and mask one where there is something to reconstruct. */
export function checkRatios(reconstructs: boolean): Check<Ratios> {
  return (options) => {
    const { maskRatio, throwRatio, attentionStartEpoch, masking } = options;
    if (maskRatio === undefined || throwRatio === undefined) return [];
    if (attentionStartEpoch === "never" || masking === "random") return [];
    if (maskRatio + throwRatio >= 1) return [ratioProblem(maskRatio, throwRatio, "", "lower one of them")];
    const patches = patchesOf(options);
    if (patches === undefined) return [];
    const { masked, kept } = patchCounts(patches, maskRatio, throwRatio);
    const problems: ErrorParts[] = [];
    if (kept < 1) {
      const got = `, which keeps none of ${patches} patches`;
      problems.push(ratioProblem(maskRatio, throwRatio, got, "lower one of them or enlarge the image"));
    }
    if (reconstructs && masked < 1) {
      problems.push({
        where: "maskRatio",
        expected: "a share that masks at least one patch, so that there is one to reconstruct",
        got: `${maskRatio}, which masks none of ${patches} patches`,
        todo: "raise it or enlarge the image",
      });
    }
    return problems;
  };
}

type RandomRatio = Sizes & {
  randomMaskRatio?: number;
  attentionStartEpoch?: number | "never";
};

export const checkRandomRatio: Check<RandomRatio> = (options) => {
  const { randomMaskRatio, attentionStartEpoch } = options;
  const patches = patchesOf(options);
  if (randomMaskRatio === undefined || patches === undefined || attentionStartEpoch === 0) return [];
  const kept = Math.floor(patches * (1 - randomMaskRatio));
  if (kept >= 1 && kept < patches) return [];
  return [
    {
      where: "randomMaskRatio",
      expected: "a share that keeps and masks at least one patch each",
      got: `${randomMaskRatio}, which keeps ${kept} of ${patches} patches`,
      todo: `${kept < 1 ? "lower" : "raise"} it or enlarge the image`,
    },
  ];
};

type Epochs = {
  epochs?: number;
  warmupEpochs?: number;
  attentionStartEpoch?: number | "never";
  fullTokenEpochs?: number;
};

export const checkEpochs: Check<Epochs> = ({ epochs, warmupEpochs, attentionStartEpoch, fullTokenEpochs }) => {
  if (epochs === undefined) return [];
  const problems: ErrorParts[] = [];
  if (warmupEpochs !== undefined && warmupEpochs > epochs) {
    problems.push({
      where: "warmupEpochs",
      expected: `at most the ${epochs} epochs there are`,
      got: String(warmupEpochs),
      todo: "lower it, or leave it out to have it scaled",
    });
  }
  if (typeof attentionStartEpoch === "number" && attentionStartEpoch >= epochs) {
    problems.push({
      where: "attentionStartEpoch",
      expected: `an epoch below ${epochs}, the number of epochs`,
      got: String(attentionStartEpoch),
      todo: 'lower it, or say "never" for random masking throughout',
    });
  }
  if (fullTokenEpochs !== undefined && fullTokenEpochs > epochs) {
    problems.push({
      where: "fullTokenEpochs",
      expected: `at most the ${epochs} epochs there are`,
      got: String(fullTokenEpochs),
      todo: "lower it",
    });
  }
  return problems;
};

type Rates = {
  lr?: number;
  blr?: number;
  minLr?: number;
  batchSize?: number;
  accumIter?: number;
};

export const checkRates: Check<Rates> = ({ lr, blr, minLr, batchSize, accumIter }) => {
  if (minLr === undefined || batchSize === undefined || accumIter === undefined) return [];
  const peak = lr ?? (blr === undefined ? undefined : (blr * batchSize * accumIter) / 256);
  if (peak === undefined || minLr <= peak) return [];
  return [
    {
      where: "minLr",
      expected: `at most the peak learning rate ${peak}`,
      got: String(minLr),
      todo: "lower it, or raise the learning rate",
    },
  ];
};

type Start = {
  init?: "scratch" | "checkpoint";
  finetune?: string;
  resume?: string;
};

export const checkStart: Check<Start> = ({ init, finetune, resume }) => {
  if (resume !== undefined) return [];
  if (init === "checkpoint" && finetune === undefined) {
    return [
      {
        where: "finetune",
        expected: "a checkpoint to start from",
        got: "nothing",
        todo: "give --finetune FILE, or --init scratch to start from drawn weights",
      },
    ];
  }
  if (init === "scratch" && finetune !== undefined) {
    return [
      {
        where: "init",
        expected: "checkpoint, since finetune names one",
        got: '"scratch"',
        todo: "leave out one of the two",
      },
    ];
  }
  return [];
};
