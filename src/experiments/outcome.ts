import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseTable } from "../data/tables/parse.ts";
import { type ArmDifference, type SeedAnswers, seededArms } from "../results/metrics/index.ts";
import { readIfThere } from "../support/files/read-if-there.ts";
import { outlines, pointingOf, toldClasses, withPointing } from "./arm-answers.ts";
import { LOOKING, type Looking } from "./looking.ts";
import { compareLosses, type LossComparison } from "./losses.ts";
import { type Arm, armsOf, type Plan, seedsOf } from "./plan.ts";
import { type EpochLine, epochsOf } from "./run-log.ts";
import {
  evaluationFolder,
  lookingFolder,
  neededPretrainings,
  pointingTable,
  pretrainingFolder,
  trainingFolder,
} from "./steps.ts";

/** One arm with one seed. */
export interface ArmRun {
  method: string;
  seed: number;
  /** Of a classifier accuracy, balanced accuracy, macro F1 and mean AUC, of a segmenter Dice and IoU. */
  figures: Record<string, number | null>;
  /** Share of the test images whose attention peaks in the lesion, where the data has masks. */
  pointing?: number | null;
  /** Wall time of training without validation and map refreshes' waiting; pre-training apart. */
  seconds: { pretraining: number; finetuning: number };
}

/** A line of the table. */
export interface TableRow {
  method: string;
  dataset: string;
  metric: string;
  mean: number;
  std: number | null;
  low: number;
  high: number;
  seeds: number;
  /** The published figure of this method, as a share; null where there is none. */
  paper: number | null;
}

/** What picked the best epoch of a run, on the validation images, as it went. */
export interface ArmCurve {
  method: string;
  seed: number;
  /** The accuracy, or the IoU of outlines. */
  points: { epoch: number; seconds: number; score: number }[];
}

/** Where a pre-training with one seed looks, where the data has masks. */
export interface PretrainingLooking extends Looking {
  pretraining: string;
  seed: number;
}

/** What an experiment found so far. */
export interface ExperimentOutcome {
  runs: ArmRun[];
  /** Of the seeds that all arms have finished; empty where there is none. */
  table: TableRow[];
  differences: ArmDifference[];
  /** Whether the arms of the plan's `equal` train alike, of the same seeds. */
  losses: LossComparison[];
  curves: ArmCurve[];
  /** Of the pre-trainings that are looked at already; empty where the data has no masks. */
  looking: PretrainingLooking[];
}

/** As metrics.json of an evaluation has them. */
interface Evaluated extends Record<string, unknown> {
  classNames: string[];
  localisation?: { pointing: { maps: { value: number | null } } };
}

interface Finished {
  run: ArmRun;
  answers: SeedAnswers<string>;
  /** Of the test images with a lesion the pointing game; undefined where there is none. */
  pointing: ReadonlyMap<string, number> | undefined;
  curve: ArmCurve;
}

/** What is read of each kind of arm. */
const KINDS = {
  finetune: {
    figures: ["accuracy", "balancedAccuracy", "f1Macro", "aucMacro"],
    score: "test_accuracy",
    answersOf: toldClasses,
  },
  segment: { figures: ["dice", "iou"], score: "test_iou", answersOf: outlines },
} as const;

/**
 * Reads what the steps of a plan that are done have left.
 *
 * @throws MsmaeError Data where a file is not as it was written.
 */
export async function readOutcome(root: string, plan: Plan, dataset: string): Promise<ExperimentOutcome> {
  const arms = armsOf(plan);
  const seeds = seedsOf(plan);
  const found = await Promise.all(arms.map((arm) => Promise.all(seeds.map((seed) => finishedRun(root, arm, seed)))));
  const all = found.flat().filter((one) => one !== undefined);
  const whole = [...seeds.keys()].filter((at) => found.every((ofArm) => ofArm[at] !== undefined));
  const looking = await lookingOf(root, plan, seeds);
  const outcome = { runs: all.map(({ run }) => run), curves: all.map(({ curve }) => curve), looking };
  if (whole.length === 0) return { ...outcome, table: [], differences: [], losses: [] };
  const finished = found.map((ofArm) => whole.map((at) => ofArm[at] as Finished));
  const pointed = finished.flat().every(({ pointing }) => pointing !== undefined);
  const told = seededArms({
    arms: arms.map(({ name }, at) => ({
      name,
      seeds: (finished[at] as Finished[]).map(({ answers, pointing }) =>
        pointed && pointing ? withPointing(answers, pointing) : answers,
      ),
    })),
    differences: plan.differences ?? neighbours(arms),
    sameCases: !("phantom" in plan.data),
    seed: 0,
  });
  const table = told.arms.flatMap(({ name, figures }) =>
    Object.entries(figures).map(([metric, figure], at): TableRow => {
      // What is published is the first of each kind.
      const paper = at === 0 ? plan.paper[name] : undefined;
      const published = paper === undefined ? null : paper / 100;
      return { method: name, dataset, metric, ...figure, seeds: told.seeds, paper: published };
    }),
  );
  const losses = await compareLosses(
    root,
    plan,
    whole.map((at) => seeds[at] as number),
  );
  return { ...outcome, table, differences: told.differences, losses };
}

async function lookingOf(root: string, plan: Plan, seeds: readonly number[]): Promise<PretrainingLooking[]> {
  const wanted = neededPretrainings(plan).flatMap((pretraining) => seeds.map((seed) => ({ pretraining, seed })));
  const found = await Promise.all(
    wanted.map(async ({ pretraining, seed }) => {
      const text = await readIfThere(join(root, lookingFolder(pretraining, seed), LOOKING));
      return text === undefined ? [] : [{ pretraining, seed, ...(JSON.parse(text) as Looking) }];
    }),
  );
  return found.flat().filter(({ points }) => points.length > 0);
}

/** Each arm less the one before it. */
function neighbours(arms: readonly Arm[]): [string, string][] {
  return arms.slice(1).map(({ name }, at) => [name, (arms[at] as Arm).name]);
}

/** An arm's run of one seed; undefined where it is not evaluated yet. */
async function finishedRun(root: string, { name, verb, from }: Arm, seed: number): Promise<Finished | undefined> {
  const folder = join(root, evaluationFolder(name, seed));
  const metrics = await readIfThere(join(folder, "metrics.json"));
  if (metrics === undefined) return undefined;
  const { figures, score, answersOf } = KINDS[verb];
  const { classNames, localisation, ...told } = JSON.parse(metrics) as Evaluated;
  const log = await epochsOf(join(root, trainingFolder(name, seed)));
  const before = from === undefined ? 0 : secondsOf(await epochsOf(join(root, pretrainingFolder(from, seed))));
  const points = log.flatMap(({ epoch, train_elapsed_seconds: elapsed = 0, ...line }) => {
    const value = line[score];
    return value === undefined ? [] : [{ epoch: epoch + 1, seconds: before + elapsed, score: value }];
  });
  const known = figures.map((figure) => [figure, (told[figure] ?? null) as number | null]);
  const pointing = localisation && { pointing: localisation.pointing.maps.value };
  const seconds = { pretraining: before, finetuning: secondsOf(log) };
  const path = join(folder, "predictions.csv");
  const pointingPath = join(root, pointingTable(name, seed));
  const pointingText = await readIfThere(pointingPath);
  return {
    run: { method: name, seed, figures: Object.fromEntries(known), ...pointing, seconds },
    answers: answersOf(path, parseTable(path, await readFile(path, "utf8")), classNames),
    pointing: pointingText === undefined ? undefined : pointingOf(pointingPath, parseTable(pointingPath, pointingText)),
    curve: { method: name, seed, points },
  };
}

function secondsOf(log: readonly EpochLine[]): number {
  return log.at(-1)?.train_elapsed_seconds ?? 0;
}
