import { existsSync } from "node:fs";
import { join } from "node:path";
import type { FinetuneInput, PretrainInput, SegmentInput } from "../config/index.ts";
import { evaluate } from "../inference/evaluate.ts";
import type { RunHooks } from "../support/events.ts";
import { finetune } from "../training/tasks/finetune.ts";
import { pretrain } from "../training/tasks/pretrain.ts";
import { segment } from "../training/tasks/segment.ts";
import { dataPathOf, makeData } from "./data.ts";
import type { Experiment } from "./experiment.ts";
import { lookAtLesions, mayHaveMasks } from "./looking.ts";
import { type Arm, armOptions, armsOf, type Plan, pretrainOptions, seedsOf } from "./plan.ts";
import { pointAtLesions } from "./pointing.ts";

/** A piece of work of its own that one process does and no other does again. */
export interface Step {
  /** Such as `finetune msmae, seed 2`. */
  name: string;
  /** Below the experiment's root: where the step's lock and its end are noted. */
  folder: string;
  /** Names of the steps that must be done before. */
  after: readonly string[];
  /** Does it, or goes on with what an earlier process left of it. */
  run(hooks: RunHooks): Promise<void>;
}

/** Where an arm's figures of a seed stand, below the root. */
export function evaluationFolder(arm: string, seed: number): string {
  return `runs/${arm}-${seed}/evaluation`;
}

/** Where an arm's training of a seed stands, below the root. */
export function trainingFolder(arm: string, seed: number): string {
  return `runs/${arm}-${seed}/training`;
}

/** Where a pre-training of a seed stands, below the root. */
export function pretrainingFolder(name: string, seed: number): string {
  return `pretrainings/${name}-${seed}`;
}

/** The pointing game of an arm's classifier of a seed, below the root. */
export function pointingTable(arm: string, seed: number): string {
  return `runs/${arm}-${seed}/pointing.csv`;
}

/** Where what is measured of a pre-training's attention stands, below the root. */
export function lookingFolder(name: string, seed: number): string {
  return `looking/${name}-${seed}`;
}

/** Names of the pre-trainings that arms start from. */
export function neededPretrainings(plan: Plan): string[] {
  return [...new Set(armsOf(plan).flatMap(({ from }) => from ?? []))];
}

/**
 * All steps of an experiment, those of the first seed first, so that an experiment that is stopped early has whole seeds. Each
 * pre-training is run once a seed, however many arms start from it.
 */
export function stepsOf(experiment: Experiment): Step[] {
  const { plan } = experiment;
  const arms = armsOf(plan);
  const needed = neededPretrainings(plan);
  const looked = mayHaveMasks(plan) ? needed : [];
  // A segmenter's attention has no classes to learn from.
  const pointing = mayHaveMasks(plan) ? arms.filter(({ verb }) => verb === "finetune") : [];
  const data = dataSteps(experiment);
  const trained = seedsOf(plan).flatMap((seed) => [
    ...needed.map((name) => pretrainStep(experiment, name, seed)),
    ...arms.flatMap((arm) => [trainStep(experiment, arm, seed), evaluateStep(experiment, arm, seed)]),
    ...looked.map((name) => lookStep(experiment, name, seed)),
    ...pointing.map((arm) => pointStep(experiment, arm, seed)),
  ]);
  return [...data, ...trained];
}

/** Phantoms are drawn anew for each seed; files are the same for all. */
function dataSteps(experiment: Experiment): Step[] {
  const { plan } = experiment;
  const seeds = "phantom" in plan.data ? seedsOf(plan) : [0];
  if ("path" in plan.data) return [];
  return seeds.map((seed) => ({
    name: dataStep(plan, seed),
    folder: noteOf(dataStep(plan, seed)),
    after: [],
    run: (hooks) => makeData(experiment, seed, hooks),
  }));
}

function dataStep({ data }: Plan, seed: number): string {
  return "phantom" in data ? `data, seed ${seed}` : "data";
}

function afterData(plan: Plan, seed: number): string[] {
  return "path" in plan.data ? [] : [dataStep(plan, seed)];
}

const pretrainName = (name: string, seed: number): string => `pretrain ${name}, seed ${seed}`;
const trainName = ({ verb, name }: Arm, seed: number): string => `${verb} ${name}, seed ${seed}`;

/** A name of its own for each step's: arms are words of letters, digits, "-" and "_". */
const noteOf = (name: string): string => `steps/${name.replace(", seed ", "-").replace(" ", "-")}`;

function pretrainStep(experiment: Experiment, name: string, seed: number): Step {
  const { plan, root } = experiment;
  const folder = pretrainingFolder(name, seed);
  return {
    name: pretrainName(name, seed),
    folder: noteOf(pretrainName(name, seed)),
    after: afterData(plan, seed),
    async run(hooks) {
      const places = { dataPath: dataPathOf(experiment, seed), outputDir: join(root, folder), seed };
      await pretrain(goingOn({ ...pretrainOptions(plan, name, places), ...machine(experiment) }), hooks);
    },
  };
}

function lookStep(experiment: Experiment, name: string, seed: number): Step {
  const { root } = experiment;
  const [from, to] = [pretrainingFolder(name, seed), lookingFolder(name, seed)].map((folder) => join(root, folder));
  const step = `look ${name}, seed ${seed}`;
  return {
    name: step,
    folder: noteOf(step),
    after: [pretrainName(name, seed)],
    run: (hooks) => lookAtLesions(experiment, { name, seed, from: from as string, to: to as string }, hooks),
  };
}

function trainStep(experiment: Experiment, arm: Arm, seed: number): Step {
  const { plan, root } = experiment;
  const { name, from } = arm;
  return {
    name: trainName(arm, seed),
    folder: noteOf(trainName(arm, seed)),
    after: [...afterData(plan, seed), ...(from === undefined ? [] : [pretrainName(from, seed)])],
    async run(hooks) {
      const outputDir = join(root, trainingFolder(name, seed));
      const checkpoint = from && join(root, pretrainingFolder(from, seed), "last.safetensors");
      const places = { dataPath: dataPathOf(experiment, seed), outputDir, seed, checkpoint };
      const options = goingOn({ ...armOptions(plan, arm, places), ...machine(experiment) });
      await (arm.verb === "segment" ? segment(options, hooks) : finetune(options, hooks));
    },
  };
}

function evaluateStep(experiment: Experiment, arm: Arm, seed: number): Step {
  const { root } = experiment;
  const folder = evaluationFolder(arm.name, seed);
  const name = `evaluate ${arm.name}, seed ${seed}`;
  return {
    name,
    folder: noteOf(name),
    after: [trainName(arm, seed)],
    async run(hooks) {
      const checkpoint = join(root, trainingFolder(arm.name, seed), "best.safetensors");
      const dataPath = dataPathOf(experiment, seed);
      const outputDir = join(root, folder);
      // Masks have their intervals without being asked.
      const report = arm.verb === "finetune";
      await evaluate({ checkpoint, dataPath, outputDir, overwrite: true, report, ...machine(experiment) }, hooks);
    },
  };
}

function pointStep(experiment: Experiment, arm: Arm, seed: number): Step {
  const { root } = experiment;
  const name = `point ${arm.name}, seed ${seed}`;
  const to = join(root, pointingTable(arm.name, seed));
  const checkpoint = join(root, trainingFolder(arm.name, seed), "best.safetensors");
  return {
    name,
    folder: noteOf(name),
    after: [trainName(arm, seed)],
    run: (hooks) => pointAtLesions(experiment, { seed, checkpoint, to }, hooks),
  };
}

const machine = ({ threads, workers, device }: Experiment) => ({ threads, workers, device });

/** What was begun goes on; what was begun and has not reached its first checkpoint is begun anew. */
function goingOn<O extends PretrainInput | FinetuneInput | SegmentInput>(options: O): O {
  const { outputDir, finetune: _start, ...rest } = options as O & { finetune?: string };
  if (!existsSync(join(outputDir, "last.safetensors"))) return { ...options, overwrite: true };
  return { ...rest, outputDir, resume: outputDir } as unknown as O;
}
