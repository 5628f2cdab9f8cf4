import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { checkSmallCase, holds } from "./check.ts";
import { type ContenderJob, startedOrReason } from "./contender.ts";
import { type Contestant, median, type Step } from "./contestant.ts";
import { choice, count, jobFlags, phaseOf, readFlags, roundsOf } from "./flags.ts";
import { inTurn, type Rounds, ratiosOf, startedInTurn } from "./in-turn.ts";
import { describeMachine, hasBfloat16, machineLine } from "./machine.ts";
import { batchOf, isNetwork, type Phase, phases } from "./phases.ts";
import { type ComparisonRow, type Contender, comparedPairs } from "./rows.ts";
import { timingOf } from "./step.ts";
import { comparisonTable, derivedLines } from "./tables.ts";

/** The two models that the peer has. */
const models = ["base", "tiny"] as const;
type Model = (typeof models)[number];

/** `bench compare`. Returns the exit status. */
export async function compareCommand(argv: string[]): Promise<number> {
  const flags = readFlags(argv, [...jobFlags, "python"], []);
  const threads = count("threads", flags.threads, 2);
  const rounds = roundsOf(flags);
  const chosenModels: readonly Model[] = flags.model ? [choice("model", flags.model, models)] : models;
  const chosenPhases: readonly Phase[] = flags.phase ? [phaseOf(flags.phase)] : phases;
  const python = flags.python ?? process.env.MSMAE_PYTHON;

  const checks = new Map<string, Awaited<ReturnType<typeof checkSmallCase>>>();
  for (const phase of chosenPhases) {
    checks.set(phase, await checkSmallCase({ phase, threads }));
    for (const precision of inInt8(phase)) {
      checks.set(`${phase} in ${precision}`, await checkSmallCase({ phase, threads, precision }));
    }
  }
  // All that fail are told, not the first alone.
  const failed = [...checks].filter(([what, check]) => !holds(what, check));
  if (failed.length > 0) return 1;

  const machine = await describeMachine(threads);
  const rows: ComparisonRow[] = [];
  for (const model of chosenModels) {
    for (const phase of chosenPhases) {
      if (isNetwork(phase) && model !== chosenModels[0]) continue;
      const job = { phase, model, batch: count("batch", flags.batch, batchOf(model, phase)), threads };
      const names: Contender[] = ["ours", ...inInt8(phase), "eager", "best"];
      if (hasBfloat16(machine.cpuFeatures)) names.push("bf16");
      console.error(`${model} ${phase}, batch ${job.batch} …`);
      rows.push(await compareJob(job, names, { ...rounds, python }));
    }
  }
  const file = flags.json ?? defaultFile(machine.cpuModel);
  const document = { ...machine, ...rounds, checked: true, checks: Object.fromEntries(checks), rows };
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

/** In what training offers the phase besides fp32, and gains by it: a segmenter's and a network's convolutions stay in fp32. */
const inInt8 = (phase: Phase): readonly ("int8" | "int8-all")[] =>
  phase.startsWith("finetune") || phase.startsWith("pretrain") ? ["int8", "int8-all"] : [];

/** Steps of all that the machine can run, taken in turn. */
async function compareJob(
  job: Omit<ContenderJob, "contender">,
  names: readonly Contender[],
  { python, ...rounds }: Rounds & { python: string | undefined },
): Promise<ComparisonRow> {
  const started = await startedInTurn(names, (contender) => startedOrReason({ ...job, contender }, python));
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
