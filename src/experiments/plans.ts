import type { ReproduceOptions } from "../config/index.ts";
import { ConfigError } from "../config/index.ts";
import { checkPlan, type Plan } from "./plan.ts";

type Scale = ReproduceOptions["scale"];
type Dataset = NonNullable<ReproduceOptions["dataset"]>;

/** The paper's accuracies of its own method, in percent. Source: method.md section 7. */
const PAPER: Partial<Record<Dataset, number>> = {
  messidor2: 68.41,
  btmd: 98.39,
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

/** What all trainings of a scale share, and how long each kind is. */
const SCALES: Record<Scale, { options: object; pretrain: object; finetune: object; seeds: number }> = {
  smoke: {
    options: { model: "micro_patch8", inputSize: "32", batchSize: 16, saveEvery: 1000 },
    pretrain: { epochs: 2 },
    finetune: { epochs: 2 },
    seeds: 1,
  },
  small: {
    options: { model: "mini_patch16", inputSize: "64", patchSize: 8, batchSize: 64, lr: 1e-3, saveEvery: 1000 },
    pretrain: { epochs: 40 },
    finetune: { epochs: 20 },
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

/**
 * The plan of the paper's comparison on a data set, at a scale.
 *
 * @throws MsmaeError Config as {@link checkPlan}.
 */
export function builtInPlan(dataset: Dataset, scale: Scale): Plan {
  const { options, pretrain, finetune, seeds } = SCALES[scale];
  const withLength = (arms: Record<string, object>, length: object) =>
    Object.fromEntries(Object.entries(arms).map(([name, arm]) => [name, { ...arm, ...length }]));
  const paper = PAPER[dataset];
  const plan = {
    title: `${dataset}, ${scale}`,
    scale,
    data: dataset === "phantom" ? { phantom: PHANTOMS[scale] } : { preset: dataset, clean: dataset === "btmd" },
    seeds,
    options: { ...options, ...(GREY.has(dataset) && { inChans: 1 }) },
    pretrain: withLength(ARMS.pretrain, pretrain),
    finetune: withLength(ARMS.finetune, finetune),
    differences: ARMS.differences,
    paper: paper === undefined ? {} : { msmae: paper },
  };
  return checkPlan(plan, plan.title);
}

const GREY: ReadonlySet<Dataset> = new Set(["phantom", "btmd", "busi", "chestxray2017", "deeplesion"]);

/**
 * A plan with some of its arms, or another number of seeds.
 *
 * @throws MsmaeError Config for arms that it does not have.
 */
export function narrowed(plan: Plan, methods: readonly string[] | undefined, seeds: number | undefined): Plan {
  const named = Object.keys(plan.finetune);
  const unknown = (methods ?? []).filter((name) => !named.includes(name));
  if (unknown.length > 0) {
    const todo = "correct the names";
    const got = unknown.join(", ");
    throw new ConfigError([{ where: "methods", expected: `some of ${named.join(", ")}`, got, todo }]);
  }
  const kept = new Set(methods ?? named);
  const only = <Value>(from: Record<string, Value>): Record<string, Value> =>
    Object.fromEntries(Object.entries(from).filter(([name]) => kept.has(name)));
  return {
    ...plan,
    seeds: seeds ?? plan.seeds,
    finetune: only(plan.finetune),
    paper: only(plan.paper),
    differences: plan.differences?.filter((pair) => pair.every((name) => kept.has(name))),
  };
}
