import { z } from "zod";
import {
  ConfigError,
  type FinetuneInput,
  type PretrainInput,
  parseYamlMapping,
  resolveRun,
  type SegmentInput,
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
  /** A later one leaves out those that options were chosen by. */
  firstSeed: count.default(0),
  /** Of every training that has them. */
  options: options.default({}),
  pretrain: names.default({}),
  finetune: names.default({}),
  /** Arms that outline instead of classifying; a plan has arms of one kind. */
  segment: names.default({}),
  /** Of which arms the difference is asked: the first less the second. */
  differences: z.array(z.tuple([z.string(), z.string()])).optional(),
  /** Of which arms it is asked whether they train alike: the first as the second. */
  equal: z.array(z.tuple([z.string(), z.string()])).default([]),
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
  verb: "finetune" | "segment";
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
  const arms = armsOf(plan);
  if (new Set(arms.map(({ verb }) => verb)).size !== 1) problems.push(oneKind(where, arms.length));
  for (const { name, verb, from } of arms) {
    if (from !== undefined && !(from in plan.pretrain)) {
      problems.push(unknownName(`${where}, ${verb}, ${name}, from`, from, Object.keys(plan.pretrain)));
    }
  }
  const named = arms.map(({ name }) => name);
  for (const name of [...(plan.differences ?? []).flat(), ...plan.equal.flat(), ...Object.keys(plan.paper)]) {
    if (!named.includes(name)) problems.push(unknownName(`${where}, differences, equal or paper`, name, named));
  }
  problems.push(...unknownOptions(plan, where));
  refuse(problems);
  for (const name of Object.keys(plan.pretrain))
    tried(`${where}, pretrain, ${name}`, () => triedPretraining(plan, name));
  for (const arm of arms) tried(`${where}, ${arm.verb}, ${arm.name}`, () => triedArm(plan, arm));
  return plan;
}

/** The seeds of a plan, in its order. */
export function seedsOf({ firstSeed, seeds }: Pick<Plan, "firstSeed" | "seeds">): number[] {
  return Array.from({ length: seeds }, (_, at) => firstSeed + at);
}

/** The arms of a plan in its order. */
export function armsOf(plan: Pick<Plan, "finetune" | "segment">): Arm[] {
  return (["finetune", "segment"] as const).flatMap((verb) =>
    Object.entries(plan[verb]).map(([name, { from }]) => ({
      name,
      verb,
      from: from === undefined ? from : String(from),
    })),
  );
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

/** The options of an arm's training, for its verb. @throws MsmaeError Config. */
export function armOptions(
  plan: Plan,
  { name, verb }: Pick<Arm, "name" | "verb">,
  places: Places & { checkpoint: string | undefined },
): FinetuneInput & SegmentInput {
  const { from: _from, ...own } = plan[verb][name] ?? {};
  const { checkpoint, ...rest } = places;
  const start = checkpoint === undefined ? { init: "scratch" } : { finetune: checkpoint };
  return { ...shared(plan, verb), ...start, ...own, ...rest } as unknown as FinetuneInput & SegmentInput;
}

/** The plan's own options that a verb has, in its words: a size such as `mini_patch16` names the models of both. */
function shared(plan: Plan, verb: "pretrain" | Arm["verb"]): Record<string, unknown> {
  const known = verbs[verb].schema.shape;
  const given = Object.entries(plan.options).filter(([name]) => name in known);
  const model = plan.options.model;
  const prefix = verb === "pretrain" ? "msmae_vit_" : "vit_";
  // What a plan says must not depend on the machine.
  const recipe = "recipe" in known && { recipe: "paper" };
  return { ...recipe, ...Object.fromEntries(given), ...(typeof model === "string" && { model: `${prefix}${model}` }) };
}

const tryout: Places = { dataPath: "data", outputDir: "run", seed: 0 };

function triedPretraining(plan: Plan, name: string): void {
  resolveRun(verbs.pretrain, pretrainOptions(plan, name, tryout));
}

function triedArm(plan: Plan, arm: Arm): void {
  const checkpoint = arm.from === undefined ? undefined : "checkpoint";
  resolveRun<typeof verbs.finetune | typeof verbs.segment>(
    verbs[arm.verb],
    armOptions(plan, arm, { ...tryout, checkpoint }),
  );
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
  const known = { ...verbs.pretrain.schema.shape, ...verbs.finetune.schema.shape, ...verbs.segment.schema.shape };
  const unknown = Object.keys(given).filter((name) => !(name in known));
  return unknown.map((name) => ({
    where: `${where}, options, ${name}`,
    expected: "an option of msmae pretrain, finetune or segment, in camelCase",
    got: "an unknown name",
    todo: "see their --help",
  }));
}

function unknownName(where: string, got: unknown, known: readonly string[]): ErrorParts {
  return { where, expected: `one of ${known.join(", ") || "none"}`, got: showValue(got), todo: "correct the name" };
}

function oneKind(where: string, arms: number): ErrorParts {
  const got = arms === 0 ? "none" : "arms of both kinds, whose figures are not comparable";
  return { where, expected: "arms under finetune, or under segment", got, todo: "write a plan for each" };
}

function refuse(problems: readonly ErrorParts[]): void {
  const [first, ...rest] = problems;
  if (first !== undefined) throw new ConfigError([first, ...rest]);
}
