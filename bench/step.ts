import { checkSmallCase, holds } from "./check.ts";
import { type Contestant, type Job, median, precisions, type Step, startOurs } from "./contestant.ts";
import { choice, count, modelOf, phaseOf, readFlags } from "./flags.ts";
import { describeMachine } from "./machine.ts";

export interface StepOptions extends Job {
  /** Timed steps, after `warmup` untimed ones. */
  repeats: number;
  warmup: number;
}

/** Times of one job. Seconds and bytes; medians where not called all. */
export interface Timing {
  stepSeconds: number;
  optimizerSeconds: number;
  peakRssBytes: number;
  /** Of all threads. */
  processorSeconds: number;
  /** Ours only: making what a step is fed, which training does while the step before runs. */
  feedSeconds?: number;
  allStepSeconds: number[];
  allOptimizerSeconds: number[];
}

/** `bench step`: one line for people, or one JSON document. Returns the exit status. */
export async function stepCommand(argv: string[]): Promise<number> {
  const flags = readFlags(argv, ["phase", "model", "batch", "threads", "precision", "repeats", "warmup"], ["json"]);
  const result = await benchStep({
    phase: phaseOf(flags.phase),
    model: modelOf(flags.model),
    batch: count("batch", flags.batch),
    threads: count("threads", flags.threads, 2),
    precision: choice("precision", flags.precision ?? "fp32", precisions),
    repeats: count("repeats", flags.repeats, 5),
    warmup: count("warmup", flags.warmup, 2),
  });
  console.log(flags.json ? JSON.stringify(result) : sentence(result));
  return result.checked ? 0 : 1;
}

/**
 * Checks the results of a phase on a small model, then times it in a fresh process. Nothing is timed where the small
 * case does not agree with its references.
 */
async function benchStep({ repeats, warmup, ...job }: StepOptions) {
  const check = await checkSmallCase(job);
  const checked = holds(`${job.phase} in ${job.precision ?? "fp32"}`, check);
  const common = { ...job, checked, check, ...(await describeMachine(job.threads)) };
  if (!checked) return common;
  const ours = await startOurs(job);
  for (let i = 0; i < warmup; i++) await ours.step();
  const steps: Step[] = [];
  for (let i = 0; i < repeats; i++) steps.push(await ours.step());
  const { nodes, inputs, loadSeconds } = ours.info;
  return { ...common, ...(await timingOf(steps, ours)), loadSeconds, warmup, nodes, shapes: inputs };
}

function sentence({ phase, model, batch, threads, precision = "fp32", ...rest }: Job & Partial<Timing>): string {
  const { stepSeconds = Number.NaN, optimizerSeconds = Number.NaN, peakRssBytes = Number.NaN } = rest;
  const times = `${stepSeconds.toFixed(4)} s a step, optimiser ${optimizerSeconds.toFixed(4)} s`;
  return `${phase} ${model} batch ${batch}, ${precision}, ${threads} threads: ${times}, peak ${(peakRssBytes / 1e9).toFixed(2)} GB`;
}

/** Ends a contestant and sums its steps up. */
export async function timingOf(steps: readonly Step[], contestant: Contestant): Promise<Timing> {
  const allStepSeconds = steps.map((step) => step.stepSeconds);
  const allOptimizerSeconds = steps.map((step) => step.optimizerSeconds);
  const allFeedSeconds = steps.flatMap(({ feedSeconds }) => feedSeconds ?? []);
  const { peakRssBytes } = await contestant.finish();
  return {
    stepSeconds: median(allStepSeconds),
    optimizerSeconds: median(allOptimizerSeconds),
    peakRssBytes,
    processorSeconds: median(steps.map((step) => step.processorSeconds)),
    ...(allFeedSeconds.length > 0 ? { feedSeconds: median(allFeedSeconds) } : {}),
    allStepSeconds,
    allOptimizerSeconds,
  };
}
