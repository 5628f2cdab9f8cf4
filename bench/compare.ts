import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { messageOf } from "../src/support/errors.ts";
import { checkSmallCase, passed } from "./check.ts";
import { type ContenderJob, startContender } from "./contender.ts";
import { type Contestant, median, type Step } from "./contestant.ts";
import { choice, count, phaseOf, readFlags } from "./flags.ts";
import { inTurn, type Rounds, ratiosOf } from "./in-turn.ts";
import { describeMachine, hasBfloat16, machineLine } from "./machine.ts";
import { batchOf, isNetwork, type Phase, phases } from "./phases.ts";
import { type ComparisonRow, type Contender, comparedPairs, type Skipped } from "./rows.ts";
import { timingOf } from "./step.ts";
import { comparisonTable, derivedLines } from "./tables.ts";

/** The two models that the peer has. */
const models = ["base", "tiny"] as const;
type Model = (typeof models)[number];

/** `bench compare`. Returns the exit status. */
export async function compareCommand(argv: string[]): Promise<number> {
  const flags = readFlags(argv, ["model", "phase", "batch", "threads", "repeats", "warmup", "python", "json"], []);
  const threads = count("threads", flags.threads, 2);
  const repeats = count("repeats", flags.repeats, 5);
  const warmup = count("warmup", flags.warmup, 2);
  const chosenModels: readonly Model[] = flags.model ? [choice("model", flags.model, models)] : models;
  const chosenPhases: readonly Phase[] = flags.phase ? [phaseOf(flags.phase)] : phases;
  const python = flags.python ?? process.env.MSMAE_PYTHON;

  const checks = new Map<string, Awaited<ReturnType<typeof checkSmallCase>>>();
  for (const phase of chosenPhases) {
    checks.set(phase, await checkSmallCase(phase, threads));
    if (hasInt8(phase)) checks.set(`${phase} in int8`, await checkSmallCase(phase, threads, "int8"));
  }
  const failed = [...checks].filter(([, check]) => !passed(check));
  if (failed.length > 0) {
    console.error(`small cases outside their tolerance: ${JSON.stringify(Object.fromEntries(failed))}`);
    return 1;
  }

  const machine = await describeMachine(threads);
  const rows: ComparisonRow[] = [];
  for (const model of chosenModels) {
    for (const phase of chosenPhases) {
      if (isNetwork(phase) && model !== chosenModels[0]) continue;
      const job = { phase, model, batch: count("batch", flags.batch, batchOf(model, phase)), threads };
      const names: Contender[] = ["ours", "eager", "best"];
      if (hasInt8(phase)) names.splice(1, 0, "int8");
      if (hasBfloat16(machine.cpuFeatures)) names.push("bf16");
      console.error(`${model} ${phase}, batch ${job.batch} …`);
      rows.push(await compareJob(job, names, { repeats, warmup, python }));
    }
  }
  const file = flags.json ?? defaultFile(machine.cpuModel);
  const document = { ...machine, repeats, warmup, checked: true, checks: Object.fromEntries(checks), rows };
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(document, null, 1)}\n`);
  console.error(`written to ${file}`);
  console.log([machineLine(machine), "", comparisonTable(rows), ...derivedLines(rows)].join("\n"));
  return 0;
}

function defaultFile(cpuModel: string): string {
  const name = `${new Date().toISOString().slice(0, 10)}-${cpuModel.replace(/[^A-Za-z0-9]+/g, "-").toLowerCase()}.json`;
  return new URL(`./results/${name}`, import.meta.url).pathname;
}

/** Whether training offers the phase in int8 and gains by it: a segmenter's and a network's convolutions stay in fp32. */
const hasInt8 = (phase: Phase): boolean => phase.startsWith("finetune") || phase.startsWith("pretrain");

/** Steps of all that the machine can run, taken in turn. */
async function compareJob(
  job: Omit<ContenderJob, "contender">,
  names: readonly Contender[],
  { python, ...rounds }: Rounds & { python: string | undefined },
): Promise<ComparisonRow> {
  const started = new Map<Contender, Contestant | Skipped>();
  for (const name of names) {
    started.set(name, await startedOrReason({ ...job, contender: name }, python));
  }
  const running = new Map([...started].filter((entry): entry is [Contender, Contestant] => "step" in entry[1]));
  const steps = await inTurn(running, rounds);
  const timings: ComparisonRow["timings"] = {};
  for (const [name, one] of started) {
    timings[name] = "step" in one ? await timingOf(steps.get(name) ?? [], one) : one;
  }
  return { ...job, timings, ratios: ratios(timings, steps) };
}

function ratios(timings: ComparisonRow["timings"], steps: ReadonlyMap<Contender, Step[]>): ComparisonRow["ratios"] {
  const told: ComparisonRow["ratios"] = {};
  for (const pair of comparedPairs) {
    const [one, other] = pair.split("/") as [Contender, Contender];
    const [a, b] = [timings[one], timings[other]];
    if (!a || !b || "skipped" in a || "skipped" in b) continue;
    const { wall, processor } = ratiosOf(steps.get(one) ?? [], steps.get(other) ?? []);
    told[pair] = {
      wall: median(wall),
      processor: median(processor),
      memory: a.peakRssBytes / b.peakRssBytes,
    };
  }
  return told;
}

/** A contender, or why it cannot run. @throws Error where ours cannot. */
export async function startedOrReason(job: ContenderJob, python: string | undefined): Promise<Contestant | Skipped> {
  try {
    return await startContender(job, python);
  } catch (error) {
    // Ours must run.
    if (job.contender === "ours" || job.contender === "int8") throw error;
    return { skipped: messageOf(error) };
  }
}
