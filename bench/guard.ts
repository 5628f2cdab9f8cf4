import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { messageOf } from "../src/support/errors.ts";
import { checkSmallCase, holds } from "./check.ts";
import { type ContenderJob, precisionOf, startContender } from "./contender.ts";
import { type Contestant, median, type Step } from "./contestant.ts";
import { count, readFlags, roundsOf } from "./flags.ts";
import { inTurn, type Rounds, ratiosOf } from "./in-turn.ts";
import { cpuClassOf, describeMachine, machineLine } from "./machine.ts";
import type { Phase } from "./phases.ts";
import type { Bar, Contender, GuardRow } from "./rows.ts";
import { guardTable } from "./tables.ts";

/** Two steps whose ratio is guarded. The second is the first but for what is said. */
interface Guarded extends Omit<ContenderJob, "threads"> {
  against: { contender?: Contender; phase?: Phase };
}

/** Bars of a class of processors, and what they were measured on. */
interface Bars {
  machine: string;
  commit: string | null;
  measuredAt: string;
  bars: Bar[];
}

/** A later change that loses more than this is told. */
const tolerated = 1.1;

const [eager, ours] = [{ contender: "eager" }, { contender: "ours" }] as const;
const guarded: readonly Guarded[] = [
  { model: "tiny", phase: "finetune", batch: 16, contender: "ours", against: eager },
  { model: "tiny", phase: "finetune", batch: 16, contender: "int8", against: ours },
  { model: "tiny", phase: "finetune", batch: 16, contender: "int8-all", against: ours },
  { model: "tiny", phase: "pretrain-attention", batch: 8, contender: "ours", against: eager },
  { model: "tiny", phase: "pretrain-random", batch: 8, contender: "ours", against: eager },
  { model: "tiny", phase: "maps", batch: 8, contender: "ours", against: eager },
  { model: "tiny", phase: "infer-full", batch: 8, contender: "ours", against: eager },
  { model: "tiny", phase: "infer-masked", batch: 8, contender: "ours", against: { phase: "infer-full" } },
  { model: "tiny", phase: "segment", batch: 2, contender: "ours", against: eager },
  { model: "base", phase: "finetune", batch: 8, contender: "ours", against: eager },
  { model: "base", phase: "finetune", batch: 8, contender: "int8", against: ours },
  { model: "base", phase: "finetune", batch: 8, contender: "int8-all", against: ours },
];

const barsFile = fileURLToPath(new URL("./bars.json", import.meta.url));

/** `bench guard`. Returns the exit status: 1 where a ratio is lost. */
export async function guardCommand(argv: string[]): Promise<number> {
  const flags = readFlags(argv, ["threads", "repeats", "warmup", "python", "only"], ["write"]);
  const threads = count("threads", flags.threads, 1);
  const rounds = roundsOf(flags, 7);
  const python = flags.python ?? process.env.MSMAE_PYTHON;
  const chosen = guarded.filter((one) => nameOf(one).includes(flags.only ?? ""));
  for (const { phase, contender } of chosen) {
    const precision = precisionOf(contender);
    if (!holds(`${phase} in ${precision}`, await checkSmallCase({ phase, threads, precision }))) return 1;
  }
  const machine = await describeMachine(threads);
  const cpuClass = cpuClassOf(machine);
  const all = JSON.parse(await readFile(barsFile, "utf8")) as Record<string, Bars>;
  const known = all[cpuClass]?.bars ?? [];
  const skipped = new Set<string>();
  const rows: GuardRow[] = [];
  for (const one of chosen) {
    const bar = known.find(({ name }) => name === nameOf(one));
    console.error(`${nameOf(one)} …`);
    try {
      const measureOnce = () => measure(one, threads, python, rounds);
      rows.push(await judged(nameOf(one), bar, measureOnce));
    } catch (error) {
      // A peer that is not there takes nothing from what can be compared without it.
      if (one.against.contender !== "eager") throw error;
      skipped.add(messageOf(error));
      rows.push({ name: nameOf(one), bar, now: null, lost: [] });
    }
  }
  console.log([machineLine(machine), "", guardTable(rows)].join("\n"));
  for (const reason of skipped) console.log(`SKIPPED: ${reason}`);
  if (known.length === 0) console.log(`SKIPPED: there are no bars for ${cpuClass} yet; --write keeps these`);
  if (flags.write) {
    const bars = mergedBars(known, rows);
    const { commit, measuredAt } = machine;
    all[cpuClass] = { machine: machineLine(machine), commit, measuredAt, bars };
    await writeFile(barsFile, `${JSON.stringify(all, null, 2)}\n`);
    console.error(`written to ${barsFile}`);
    return 0;
  }
  return rows.some(({ lost }) => lost.length > 0) ? 1 : 0;
}

const nameOf = ({ model, phase, batch, contender, against }: Guarded): string =>
  `${model} ${phase} ${batch}: ${contender} of ${against.phase ?? ""}${against.contender ?? ""}`;

/**
 * Compares what is measured with its bar, and measures once more before it says that something was lost: one
 * disturbance is no loss.
 */
export async function judged(name: string, bar: Bar | undefined, measureOnce: () => Promise<Bar>): Promise<GuardRow> {
  const first = await measureOnce();
  if (lostOf(bar, first).length === 0) return { name, bar, now: first, lost: [] };
  const second = await measureOnce();
  const now = {
    name,
    processor: Math.min(first.processor, second.processor),
    memory: Math.min(first.memory, second.memory),
  };
  return { name, bar, now, lost: lostOf(bar, now) };
}

function lostOf(bar: Bar | undefined, now: Bar): GuardRow["lost"] {
  if (!bar) return [];
  return (["processor", "memory"] as const).filter((figure) => now[figure] > bar[figure] * tolerated);
}

/** The bars that were measured now in place of the known ones of their names; the others stay. */
export function mergedBars(known: readonly Bar[], rows: readonly GuardRow[]): Bar[] {
  const measured = rows.flatMap(({ now }) => now ?? []);
  const names = new Set(measured.map(({ name }) => name));
  return [...known.filter(({ name }) => !names.has(name)), ...measured];
}

async function measure(one: Guarded, threads: number, python: string | undefined, rounds: Rounds): Promise<Bar> {
  const { against, ...job } = { ...one, threads };
  const other = { ...job, ...against };
  const contestants = new Map<"one" | "other", Contestant>([["one", await startContender(job, python)]]);
  try {
    contestants.set("other", await startContender(other, python));
  } catch (error) {
    await contestants.get("one")?.finish();
    throw error;
  }
  const steps = await inTurn(contestants, rounds);
  const { processor } = ratiosOf(steps.get("one") as Step[], steps.get("other") as Step[]);
  const [mine, theirs] = await Promise.all([...contestants.values()].map((contestant) => contestant.finish()));
  const memory = (mine?.peakRssBytes ?? Number.NaN) / (theirs?.peakRssBytes ?? Number.NaN);
  return { name: nameOf(one), processor: rounded(median(processor)), memory: rounded(memory) };
}

const rounded = (ratio: number): number => Number(ratio.toFixed(3));
