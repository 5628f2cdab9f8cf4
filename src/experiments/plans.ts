import type { ReproduceOptions } from "../config/index.ts";
import { ConfigError } from "../config/index.ts";
import { armsOf, checkPlan, type Plan } from "./plan.ts";

type Scale = ReproduceOptions["scale"];
type Dataset = NonNullable<ReproduceOptions["dataset"]>;

/** The paper's accuracies of its own method, in percent. Source: method.md section 7. */
const PAPER: Partial<Record<Dataset, number>> = {
  messidor2: 68.41,
  btmd: 98.39,
  "btmd-published": 98.39,
  ham10000: 81.97,
  deeplesion: 89.59,
  chestxray2017: 99.6,
  busi: 77.68,
};

/** The paper's comparison: each method pre-trained and fine-tuned by its own recipe, and training from scratch. */
const ARMS = {
  pretrain: { mae: { method: "mae" }, amt: { method: "amt" }, msmae: { method: "msmae" } },
  finetune: {
    vit: { method: "vit" },
    mae: { method: "mae", from: "mae" },
    amt: { method: "amt", from: "amt" },
    msmae: { method: "msmae", from: "msmae" },
  },
  differences: [
    ["msmae", "amt"],
    ["msmae", "mae"],
    ["mae", "vit"],
    ["msmae", "vit"],
  ],
};

/** Beside it at the small scale: the same supervision without attention-driven masking, which tells what that adds. */
const SMALL_ARMS = {
  pretrain: { ...ARMS.pretrain, random: { method: "msmae", attentionStartEpoch: "never" } },
  finetune: { ...ARMS.finetune, random: { method: "msmae", from: "random" } },
  differences: [...ARMS.differences, ["msmae", "random"]],
};

/** What all trainings of a scale share, and how long each kind is. */
const SCALES: Record<Scale, { options: object; pretrain: object; finetune: object; seeds: number }> = {
  smoke: {
    options: { model: "micro_patch8", inputSize: "32", batchSize: 16, saveEvery: 1000 },
    pretrain: { epochs: 2 },
    finetune: { epochs: 2 },
    seeds: 1,
  },
  small: {
    options: {
      ...{ recipe: "small", model: "mini_patch16", inputSize: "64", patchSize: 8 },
      ...{ batchSize: 64, lr: 1e-3, saveEvery: 1000 },
    },
    pretrain: { epochs: 40 },
    // Most medical data are unbalanced: by accuracy alone, naming the commonest class would do.
    finetune: { epochs: 20, classWeights: "balanced" },
    seeds: 5,
  },
  // What the verbs' own defaults are.
  paper: { options: { model: "base_patch16", inputSize: "224" }, pretrain: {}, finetune: {}, seeds: 3 },
};

/** Phantoms of the scales: none is of the paper's. */
const PHANTOMS: Record<Scale, object> = {
  smoke: { train: 24, val: 8, test: 16, size: 32 },
  small: { train: 250, val: 50, test: 100 },
  paper: { train: 2000, val: 200, test: 500, size: 224 },
};

/** Outlining: the images have no classes, so that no pre-training is told any. */
const OUTLINE_ARMS = {
  pretrain: { mae: { method: "mae" }, amt: { method: "amt" } },
  segment: { scratch: {}, mae: { from: "mae" }, amt: { from: "amt" } },
  differences: [
    ["amt", "mae"],
    ["mae", "scratch"],
  ],
};

/** As docs/segmentation.md has it for a small machine. */
const OUTLINING: Record<Scale, { options: object; pretrain: object; segment: object }> = {
  smoke: { ...SCALES.smoke, segment: { epochs: 1, head: "light" } },
  small: {
    options: { model: "mini_patch16", inputSize: "128", saveEvery: 1000 },
    pretrain: { epochs: 60, batchSize: 32, lr: 1.5e-3, warmupEpochs: 5, normPixLoss: true },
    segment: {
      ...{ head: "light", epochs: 12, batchSize: 16, optimizer: "adamw", lr: 1e-3, warmupEpochs: 1 },
      ...{ cropMinScale: 0.4, hflip: 0.5, vflip: 0.5 },
    },
  },
  paper: { ...SCALES.paper, segment: {} },
};

/**
 * The plan of the paper's comparison on a data set, at a scale.
 *
 * @throws MsmaeError Config as {@link checkPlan}.
 */
export function builtInPlan(dataset: Dataset, scale: Scale): Plan {
  const title = `${dataset}, ${scale}`;
  const { seeds } = SCALES[scale];
  return checkPlan(
    { title, scale, seeds, ...(dataset === "kvasir-seg" ? outlining(scale) : told(dataset, scale)) },
    title,
  );
}

function told(dataset: Exclude<Dataset, "kvasir-seg">, scale: Scale): object {
  const { options, pretrain, finetune } = SCALES[scale];
  const arms = scale === "small" ? SMALL_ARMS : ARMS;
  const preset = dataset === "btmd-published" ? "btmd" : dataset;
  const paper = PAPER[dataset];
  return {
    data: preset === "phantom" ? { phantom: PHANTOMS[scale] } : { preset, clean: dataset === "btmd" },
    options: { ...options, ...(GREY.has(preset) && { inChans: 1 }) },
    pretrain: withOptions(arms.pretrain, pretrain),
    finetune: withOptions(arms.finetune, finetune),
    differences: arms.differences,
    paper: paper === undefined ? {} : { msmae: paper },
  };
}

function outlining(scale: Scale): object {
  const { options, pretrain, segment } = OUTLINING[scale];
  return {
    data: { preset: "kvasir-seg" },
    options,
    pretrain: withOptions(OUTLINE_ARMS.pretrain, pretrain),
    segment: withOptions(OUTLINE_ARMS.segment, segment),
    differences: OUTLINE_ARMS.differences,
  };
}

function withOptions(arms: Record<string, object>, options: object): Record<string, object> {
  return Object.fromEntries(Object.entries(arms).map(([name, arm]) => [name, { ...arm, ...options }]));
}

const GREY: ReadonlySet<Dataset> = new Set(["phantom", "btmd", "busi", "chestxray2017", "deeplesion"]);

/**
 * A plan with some of its arms, or another number of seeds.
 *
 * @throws MsmaeError Config for arms that it does not have.
 */
export function narrowed(plan: Plan, methods: readonly string[] | undefined, seeds: number | undefined): Plan {
  const named = armsOf(plan).map(({ name }) => name);
  const unknown = (methods ?? []).filter((name) => !named.includes(name));
  if (unknown.length > 0) {
    const todo = "correct the names";
    const got = unknown.join(", ");
    throw new ConfigError([{ where: "methods", expected: `some of ${named.join(", ")}`, got, todo }]);
  }
  const kept = new Set(methods ?? named);
  const remains = (pair: readonly string[]): boolean => pair.every((name) => kept.has(name));
  const only = <Value>(from: Record<string, Value>): Record<string, Value> =>
    Object.fromEntries(Object.entries(from).filter(([name]) => kept.has(name)));
  return {
    ...plan,
    seeds: seeds ?? plan.seeds,
    finetune: only(plan.finetune),
    segment: only(plan.segment),
    paper: only(plan.paper),
    differences: plan.differences?.filter(remains),
    equal: plan.equal.filter(remains),
  };
}
