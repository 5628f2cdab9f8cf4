import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseTable } from "../data/tables/parse.ts";
import { ARM_FIGURES, type ArmDifference, type SeedAnswers, seededArms } from "../results/metrics/index.ts";
import { MsmaeError } from "../support/errors.ts";
import { type Arm, armsOf, type Plan } from "./plan.ts";
import { evaluationFolder, pretrainingFolder, trainingFolder } from "./steps.ts";

/** One arm with one seed. */
export interface ArmRun {
  method: string;
  seed: number;
  accuracy: number;
  balancedAccuracy: number;
  f1Macro: number;
  aucMacro: number | null;
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

/** The validation accuracy of a run as it went. */
export interface ArmCurve {
  method: string;
  seed: number;
  points: { epoch: number; seconds: number; accuracy: number }[];
}

/** What an experiment found so far. */
export interface ExperimentOutcome {
  runs: ArmRun[];
  /** Of the seeds that all arms have finished; empty where there is none. */
  table: TableRow[];
  differences: ArmDifference[];
  curves: ArmCurve[];
}

/** As metrics.json of an evaluation has them. */
type Evaluated = Pick<ArmRun, "accuracy" | "balancedAccuracy" | "f1Macro" | "aucMacro"> & {
  classNames: string[];
  localisation?: { pointing: { maps: { value: number | null } } };
};

interface Finished {
  run: ArmRun;
  answers: SeedAnswers;
  classNames: string[];
  curve: ArmCurve;
}

/**
 * Reads what the steps of a plan that are done have left.
 *
 * @throws MsmaeError Data where a file is not as it was written.
 */
export async function readOutcome(root: string, plan: Plan, dataset: string): Promise<ExperimentOutcome> {
  const arms = armsOf(plan);
  const seeds = Array.from({ length: plan.seeds }, (_, seed) => seed);
  const found = await Promise.all(arms.map((arm) => Promise.all(seeds.map((seed) => finishedRun(root, arm, seed)))));
  const all = found.flat().filter((one) => one !== undefined);
  const whole = seeds.filter((seed) => found.every((ofArm) => ofArm[seed] !== undefined));
  const outcome = { runs: all.map(({ run }) => run), curves: all.map(({ curve }) => curve) };
  if (whole.length === 0) return { ...outcome, table: [], differences: [] };
  const told = seededArms({
    arms: arms.map(({ name }, at) => ({
      name,
      seeds: whole.map((seed) => ((found[at] as Finished[])[seed] as Finished).answers),
    })),
    classes: (all[0] as Finished).classNames.length,
    differences: plan.differences ?? neighbours(arms),
    seed: 0,
  });
  const table = told.arms.flatMap(({ name, figures }) =>
    ARM_FIGURES.map((metric): TableRow => {
      const paper = metric === "accuracy" ? plan.paper[name] : undefined;
      const published = paper === undefined ? null : paper / 100;
      return { method: name, dataset, metric, ...figures[metric], seeds: told.seeds, paper: published };
    }),
  );
  return { ...outcome, table, differences: told.differences };
}

/** Each arm less the one before it. */
function neighbours(arms: readonly Arm[]): [string, string][] {
  return arms.slice(1).map(({ name }, at) => [name, (arms[at] as Arm).name]);
}

/** An arm's run of one seed; undefined where it is not evaluated yet. */
async function finishedRun(root: string, { name, from }: Arm, seed: number): Promise<Finished | undefined> {
  const folder = join(root, evaluationFolder(name, seed));
  const metrics = await readIfThere(join(folder, "metrics.json"));
  if (metrics === undefined) return undefined;
  const { classNames, localisation, ...figures } = JSON.parse(metrics) as Evaluated;
  const { accuracy, balancedAccuracy, f1Macro, aucMacro } = figures;
  const log = await epochsOf(join(root, trainingFolder(name, seed)));
  const before = from === undefined ? 0 : secondsOf(await epochsOf(join(root, pretrainingFolder(from, seed))));
  const points = log.flatMap(({ epoch, test_accuracy: accuracyThen, train_elapsed_seconds: elapsed = 0 }) =>
    accuracyThen === undefined ? [] : [{ epoch: epoch + 1, seconds: before + elapsed, accuracy: accuracyThen }],
  );
  const seconds = { pretraining: before, finetuning: secondsOf(log) };
  const pointing = localisation && { pointing: localisation.pointing.maps.value };
  return {
    run: { method: name, seed, accuracy, balancedAccuracy, f1Macro, aucMacro, ...pointing, seconds },
    answers: await answersOf(join(folder, "predictions.csv"), classNames),
    classNames,
    curve: { method: name, seed, points },
  };
}

async function answersOf(path: string, classNames: readonly string[]): Promise<SeedAnswers> {
  const { titles, records } = parseTable(path, await readFile(path, "utf8"));
  const column = (title: string): number[] => {
    const at = titles.indexOf(title);
    return records.map(({ fields }) => classNames.indexOf(fields[at] ?? ""));
  };
  const [labels, predictions] = [column("class"), column("predicted")];
  if (!labels.includes(-1) && !predictions.includes(-1)) return { labels, predictions };
  throw new MsmaeError("Data", {
    where: path,
    expected: `the classes ${classNames.join(", ")} in the columns class and predicted`,
    got: "others",
    todo: "remove the evaluation's folder and its step, and run again",
  });
}

interface EpochLine {
  epoch: number;
  test_accuracy?: number;
  train_elapsed_seconds?: number;
}

async function epochsOf(folder: string): Promise<EpochLine[]> {
  const text = (await readIfThere(join(folder, "log.txt"))) ?? "";
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as EpochLine);
}

function secondsOf(log: readonly EpochLine[]): number {
  return log.at(-1)?.train_elapsed_seconds ?? 0;
}

function readIfThere(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
}
