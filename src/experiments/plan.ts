import { z } from "zod";
import {
  ConfigError,
  type FinetuneInput,
  type PretrainInput,
  parseYamlMapping,
  resolveRun,
  showValue,
  verbs,
} from "../config/index.ts";
import type { ErrorParts } from "../support/errors.ts";

const options = z.record(z.string(), z.unknown());
const names = z.record(z.string().regex(/^[\w-]+$/), options);
const count = z.int().min(0).max(9999);

const schema = z.strictObject({
  title: z.string().min(1),
  /** What the figures are to be read as. */
  scale: z.enum(["smoke", "small", "paper", "own"]).default("own"),
  data: z.union([
    z.strictObject({ path: z.string().min(1) }),
    z.strictObject({
      preset: verbs.dataPrepare.schema.shape.preset,
      /** Leave out copies and what else stands in two splits. */
      clean: z.boolean().default(false),
    }),
    z.strictObject({
      phantom: z.strictObject({
        train: count,
        val: count,
        test: count,
        size: z.int().min(32).max(4096).default(64),
        classes: z.int().min(2).max(4).default(4),
        /** Radius of lesions, as a multiple of the demo's. */
        lesion: z.number().min(0.25).max(4).default(1),
        /** Contrast of lesions, as a share of the demo's. */
        contrast: z.number().gt(0).max(1).default(1),
        /** Spots of no class beside the lesion, as bright and as large. */
        distractors: z.int().min(0).max(20).default(0),
      }),
    }),
  ]),
  seeds: z.int().min(1).max(1000).default(1),
  /** Of every training that has them. */
  options: options.default({}),
  pretrain: names.default({}),
  finetune: names,
  /** Of which arms the difference is asked: the first less the second. */
  differences: z.array(z.tuple([z.string(), z.string()])).optional(),
  /** Published accuracies in percent, by arm. */
  paper: z.record(z.string(), z.number().min(0).max(100)).default({}),
});

/** What is run, how often, and what is asked of it. */
export type Plan = z.output<typeof schema>;
/** How phantoms are drawn. */
export type PhantomPlan = Extract<Plan["data"], { phantom: object }>["phantom"];

/** An arm of an experiment: the options of its training, and the pre-training that it starts from. */
export interface Arm {
  name: string;
  /** Name among the plan's pre-trainings; undefined for one from scratch. */
  from: string | undefined;
}

/**
 * Reads a plan, and tries every training's options.
 *
 * @throws MsmaeError Config with every problem found.
 */
export function readPlan(text: string, fileName: string): Plan {
  return checkPlan(parseYamlMapping(text, fileName), fileName);
}

/** @throws MsmaeError Config with every problem found. */
export function checkPlan(given: unknown, where: string): Plan {
  const parsed = schema.safeParse(given);
  if (!parsed.success) {
    refuse(
      parsed.error.issues.map(({ path, message }) => ({
        where: [where, ...path].join(", "),
        expected: "a plan of runs as docs/reproduce.md has it",
        got: message,
        todo: "correct it",
      })),
    );
    throw parsed.error;
  }
  const plan = parsed.data;
  const problems: ErrorParts[] = [];
  for (const { name, from } of armsOf(plan)) {
    if (from !== undefined && !(from in plan.pretrain)) {
      problems.push(unknownName(`${where}, finetune, ${name}, from`, from, plan.pretrain));
    }
  }
  for (const name of [...(plan.differences ?? []).flat(), ...Object.keys(plan.paper)]) {
    if (!(name in plan.finetune)) problems.push(unknownName(`${where}, differences or paper`, name, plan.finetune));
  }
  problems.push(...unknownOptions(plan, where));
  refuse(problems);
  for (const name of Object.keys(plan.pretrain))
    tried(`${where}, pretrain, ${name}`, () => triedPretraining(plan, name));
  for (const { name } of armsOf(plan)) tried(`${where}, finetune, ${name}`, () => triedFinetuning(plan, name));
  return plan;
}

/** The arms of a plan in its order. */
export function armsOf({ finetune }: Pick<Plan, "finetune">): Arm[] {
  return Object.entries(finetune).map(([name, { from }]) => ({ name, from: from === undefined ? from : String(from) }));
}

/** Where a training reads and writes. */
export interface Places {
  dataPath: string;
  outputDir: string;
  seed: number;
}

/** The options of a pre-training of the plan. @throws MsmaeError Config. */
export function pretrainOptions(plan: Plan, name: string, places: Places): PretrainInput {
  const own = plan.pretrain[name] ?? {};
  // Their names and values are checked where the options are resolved.
  return { ...shared(plan, "pretrain"), ...own, ...places } as unknown as PretrainInput;
}

/** The options of an arm's training. @throws MsmaeError Config. */
export function finetuneOptions(
  plan: Plan,
  name: string,
  places: Places & { checkpoint: string | undefined },
): FinetuneInput {
  const { from: _from, ...own } = plan.finetune[name] ?? {};
  const { checkpoint, ...rest } = places;
  const start = checkpoint === undefined ? {} : { finetune: checkpoint };
  return { ...shared(plan, "finetune"), ...own, ...start, ...rest } as unknown as FinetuneInput;
}

/** The plan's own options that a verb has, in its words: a size such as `mini_patch16` names the models of both. */
function shared(plan: Plan, verb: "pretrain" | "finetune"): Record<string, unknown> {
  const known = verbs[verb].schema.shape;
  const given = Object.entries(plan.options).filter(([name]) => name in known);
  const model = plan.options.model;
  const prefix = verb === "pretrain" ? "msmae_vit_" : "vit_";
  return { ...Object.fromEntries(given), ...(typeof model === "string" && { model: `${prefix}${model}` }) };
}

const tryout: Places = { dataPath: "data", outputDir: "run", seed: 0 };

function triedPretraining(plan: Plan, name: string): void {
  resolveRun(verbs.pretrain, pretrainOptions(plan, name, tryout));
}

function triedFinetuning(plan: Plan, name: string): void {
  const checkpoint = plan.finetune[name]?.from === undefined ? undefined : "checkpoint";
  resolveRun(verbs.finetune, finetuneOptions(plan, name, { ...tryout, checkpoint }));
}

/** @throws MsmaeError Config that says which training it is of. */
function tried(where: string, resolve: () => void): void {
  try {
    resolve();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    refuse(error.problems.map((problem) => ({ ...problem, where: `${where}, ${problem.where}` })));
  }
}

function unknownOptions({ options: given }: Plan, where: string): ErrorParts[] {
  const known = { ...verbs.pretrain.schema.shape, ...verbs.finetune.schema.shape };
  const unknown = Object.keys(given).filter((name) => !(name in known));
  return unknown.map((name) => ({
    where: `${where}, options, ${name}`,
    expected: "an option of msmae pretrain or finetune, in camelCase",
    got: "an unknown name",
    todo: "see --help of both",
  }));
}

function unknownName(where: string, got: unknown, known: object): ErrorParts {
  const all = Object.keys(known);
  return { where, expected: `one of ${all.join(", ") || "none"}`, got: showValue(got), todo: "correct the name" };
}

function refuse(problems: readonly ErrorParts[]): void {
  const [first, ...rest] = problems;
  if (first !== undefined) throw new ConfigError([first, ...rest]);
}
