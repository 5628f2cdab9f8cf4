import { openEngine } from "../src/engine/thread/node-engine.ts";
import { EXCHANGES, type ExchangeForm, gradientCodecs } from "../src/parallel/gradient-codec.ts";
import { joinRanks } from "../src/parallel/join-ranks.ts";
import type { Ranks } from "../src/parallel/ranks.ts";
import { SharedSteps } from "../src/training/steps/shared-steps.ts";
import { median } from "./contestant.ts";
import { choice, count, modelOf, phaseOf, readFlags } from "./flags.ts";
import { describeMachine } from "./machine.ts";
import { table } from "./tables.ts";
import { createParameters } from "./weights.ts";
import { configOf, learningRate, workload } from "./workload.ts";

/** Seconds of a part of a step, in one process: those that pass, and those of the processor. */
interface Seconds {
  wall: number;
  processor: number;
}

/** What a step of several processes takes: medians over steps and processes. */
export interface ScalingTiming {
  ranks: number;
  /** Forward, backward and optimiser. */
  step: Seconds;
  /** Adding the gradients of all, the processes being ready at once. */
  exchange: Seconds;
  /** Both, parts of the gradients being exchanged while others are computed. */
  together: Seconds;
  /** As they travel. */
  gradientBytes: number;
}

interface ScalingJob {
  phase: ReturnType<typeof phaseOf>;
  model: string;
  batch: number;
  threads: number;
  exchange: ExchangeForm;
  /** How many there are where parts of the gradients are exchanged while others are computed. */
  parts: number;
}

/** Nodes that the model is computed for, and Gb/s that each of them has both ways. */
const nodeCounts = [2, 4, 8, 16, 32, 64];
const bandwidths = [1, 10, 25, 100];

/**
 * `bench scaling`, as it is or in each process of `mpirun`: times steps and the exchange of their gradients, and prints
 * what a model makes of it for other networks. Returns the exit status.
 */
export async function scalingCommand(argv: string[]): Promise<number> {
  const flags = readFlags(argv, ["phase", "model", "batch", "threads", "repeats", "exchange", "parts"], ["json"]);
  const job = {
    phase: phaseOf(flags.phase ?? "finetune"),
    model: modelOf(flags.model),
    batch: count("batch", flags.batch),
    threads: count("threads", flags.threads, 1),
    exchange: choice("exchange", flags.exchange ?? "fp32", EXCHANGES),
    parts: count("parts", flags.parts, 6),
    repeats: count("repeats", flags.repeats, 5),
  };
  const ranks = await joinRanks();
  const timing = await timeSteps(ranks, job);
  await ranks.leave();
  if (ranks.rank > 0) return 0;
  if (flags.json) console.log(JSON.stringify({ ...job, ...timing, ...(await describeMachine(job.threads)) }));
  else console.log(scalingText(job, timing));
  return 0;
}

async function timeSteps(
  ranks: Ranks,
  { phase, model, batch, threads, repeats, parts, exchange: form }: ScalingJob & { repeats: number },
): Promise<ScalingTiming> {
  const work = workload(phase, configOf(model), batch);
  if (!work.optimizer) throw new Error(`in phase ${phase} nothing is trained`);
  const store = createParameters(work, "fp32", { accumulate: true });
  await using engine = await openEngine({ store, threads, optimizer: work.optimizer });
  const { name } = work.graph;
  await engine.load(work.graph);
  const [gradients, sums] = [store.flat("gradient"), store.flat("accumulator")];
  const own: { step: Seconds; exchange: Seconds }[] = [];
  const lr = work.learningRate ?? learningRate(batch * ranks.size);
  const stepOf = (stepIndex: number) => ({ lr, stepIndex, gradientScale: 1 / ranks.size, fromAccumulator: true });
  // The first step is not counted: memory is touched for the first time.
  for (let stepIndex = 1; stepIndex <= repeats + 1; stepIndex++) {
    const feeds = work.feeds(stepIndex);
    await ranks.gather(undefined);
    const run = await timed(() => engine.train(name, feeds, { kind: "hold" }));
    // Who is done first waits here, not in what is timed.
    await ranks.gather(undefined);
    const exchange = await timed(async () => {
      await ranks.addInOrder(gradients, sums, ranks.size, { form });
      await ranks.completeSums(sums, { form });
    });
    const update = await timed(() => engine.step(stepOf(stepIndex)));
    const step = { wall: run.wall + update.wall, processor: run.processor + update.processor };
    if (stepIndex > 1) own.push({ step, exchange });
  }
  await engine.unload(name);
  const steps = new SharedSteps(
    { ranks, engine, store },
    { batchSize: batch, accumIter: ranks.size, exchange: form, exchangeParts: parts },
    undefined,
  );
  await steps.load(work.graph);
  const rounds: Seconds[] = [];
  for (let stepIndex = 1; stepIndex <= repeats + 1; stepIndex++) {
    const given = { feeds: work.feeds(stepIndex), paths: [] };
    const update = { kind: "step", ...stepOf(stepIndex) } as const;
    await ranks.gather(undefined);
    const round = await timed(() => steps.round({ graph: name, batch: given, count: ranks.size, update }, []));
    if (stepIndex > 1) rounds.push(round);
  }
  const all = (await ranks.gather(own)).flat();
  const together = middle((await ranks.gather(rounds)).flat());
  const bytesOf = (values: number) => (form === "fp32" ? 4 * values : gradientCodecs[form].bytesOf(values));
  const gradientBytes = gradients.reduce((bytes, { length }) => bytes + bytesOf(length), 0);
  const step = middle(all.map((times) => times.step));
  return { ranks: ranks.size, step, exchange: middle(all.map((times) => times.exchange)), together, gradientBytes };
}

function middle(times: readonly Seconds[]): Seconds {
  return { wall: median(times.map(({ wall }) => wall)), processor: median(times.map(({ processor }) => processor)) };
}

async function timed(work: () => Promise<unknown>): Promise<Seconds> {
  const before = process.cpuUsage();
  const began = performance.now();
  await work();
  const wall = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(before);
  return { wall, processor: (user + system) / 1e6 };
}

/**
 * The share of each node's time that is spent in steps, by a model: every node sends and receives 2 (n - 1) / n times the
 * gradients at the bandwidth alone, and then copies and adds as two processes of one machine did, nothing of it while it
 * computes.
 *
 * @param gigabits per second.
 */
export function modelledEfficiency(
  { stepSeconds, localSeconds, gradientBytes }: { stepSeconds: number; localSeconds: number; gradientBytes: number },
  nodes: number,
  gigabits: number,
): number {
  const network = (((2 * (nodes - 1)) / nodes) * gradientBytes * 8) / (gigabits * 1e9);
  return stepSeconds / (stepSeconds + network + localSeconds);
}

/** What was measured in a sentence, and the table of the model. */
export function scalingText(
  { phase, model, batch, threads, parts, exchange: form }: ScalingJob,
  { ranks, step, exchange, together, gradientBytes }: ScalingTiming,
): string {
  const show = ({ wall, processor }: Seconds) => `${wall.toFixed(3)} s (${processor.toFixed(3)} s of the processor)`;
  const share = (part: keyof Seconds) => `${((100 * step[part]) / (step[part] + exchange[part])).toFixed(1)} %`;
  const hidden = 100 * Math.min(1, step.wall / together.wall);
  const measured = [
    `${phase} ${model}, batch ${batch} of each of ${ranks} processes, ${threads} threads: step ${show(step)},`,
    `exchange of ${(gradientBytes / 1e6).toFixed(0)} MB (${form}) ${show(exchange)}; spent in steps: ${share("wall")} (${share("processor")});`,
    `together, in ${parts} parts: ${show(together)}, of which a step alone would be ${hidden.toFixed(1)} %`,
  ].join(" ");
  if (ranks === 1) return measured;
  const node = { stepSeconds: step.processor / threads, localSeconds: exchange.processor, gradientBytes };
  const lines = nodeCounts.map((nodes) => [
    String(nodes),
    ...bandwidths.map((gigabits) => `${(100 * modelledEfficiency(node, nodes, gigabits)).toFixed(1)} %`),
  ]);
  const header = ["nodes", ...bandwidths.map((gigabits) => `${gigabits} Gb/s`)];
  return [measured, "", "By a model, not measured:", "", table(header, lines)].join("\n");
}
