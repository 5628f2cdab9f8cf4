import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { basename, join, resolve } from "node:path";
import { type ReproduceInput, type ReproduceOptions, resolveOptions, verbs } from "../config/index.ts";
import { renderReport } from "../results/report/index.ts";
import { MsmaeError, messageOf } from "../support/errors.ts";
import type { RunHooks } from "../support/events.ts";
import { writeFileAtomic } from "../support/files/atomic-file.ts";
import { environmentFacts, readEnvironment } from "../training/records/index.ts";
import { experimentReport, markdownOf } from "./experiment-report.ts";
import { type ExperimentOutcome, readOutcome } from "./outcome.ts";
import { type Plan, readPlan } from "./plan.ts";
import { keptPlan } from "./plan-file.ts";
import { builtInPlan, narrowed } from "./plans.ts";
import { runSteps } from "./run-steps.ts";
import { stepsOf } from "./steps.ts";

/** What an experiment found, and what is left of it. */
export interface ReproduceResult extends ExperimentOutcome {
  /** Names of the steps for which there was no time. */
  left: string[];
  reportPath: string;
  markdownPath: string;
  /** JSON of all of it. */
  resultsPath: string;
}

/**
 * Runs a plan from its data to a table: every step in a folder of its own, none twice, to go on at any point. Any number of
 * processes may share a folder.
 *
 * @throws MsmaeError Config for a plan that cannot be run, or another one than the folder's; as the verbs that it runs, by the
 * step's name; Interrupted when `hooks.signal` stops it, to go on by the same command.
 */
export async function reproduce(
  input: ReproduceInput | ReproduceOptions,
  hooks: RunHooks = {},
): Promise<ReproduceResult> {
  const options = resolveOptions(verbs.reproduce, input);
  const { outputDir: root, archives, workers, threads, device, budget } = options;
  const plan = await keptPlan(root, narrowed(await planOf(options), options.methods, options.seeds));
  const steps = stepsOf({ plan, root: resolve(root), archives, workers, threads, device });
  const { left } = await runSteps(root, steps, budget, hooks);
  const outcome = await readOutcome(root, plan, datasetOf(plan));
  const environment = await readEnvironment({ ...options, threads: threads || availableParallelism() });
  const [reportPath, markdownPath, resultsPath] = ["report.html", "results.md", "results.json"].map((name) =>
    join(root, name),
  ) as [string, string, string];
  await writeFileAtomic(
    reportPath,
    await renderReport(experimentReport(plan, outcome, left, environmentFacts(environment))),
  );
  await writeFileAtomic(markdownPath, markdownOf(plan, outcome, left));
  await writeFileAtomic(resultsPath, `${JSON.stringify({ plan, ...outcome, left, environment }, undefined, 2)}\n`);
  return { ...outcome, left, reportPath, markdownPath, resultsPath };
}

async function planOf({ dataset, plan, scale }: ReproduceOptions): Promise<Plan> {
  if (plan === undefined) {
    // The options' own check has seen to it that there is one of the two.
    return builtInPlan(dataset as NonNullable<typeof dataset>, scale);
  }
  try {
    return readPlan(await readFile(plan, "utf8"), plan);
  } catch (error) {
    if (error instanceof MsmaeError) throw error;
    const parts = { where: plan, expected: "a YAML file with a plan", got: messageOf(error), todo: "correct the path" };
    throw new MsmaeError("Config", parts, { cause: error });
  }
}

/** What the data is called in the table. */
function datasetOf({ data }: Plan): string {
  if ("path" in data) return basename(resolve(data.path));
  return "preset" in data ? data.preset : "phantom";
}
