import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout } from "node:timers/promises";
import { messageOf } from "../src/support/errors.ts";
import { checkSmallCase, passed } from "./check.ts";
import { type Contestant, type Job, type PeerMode, type Step, startOurs, startPeer } from "./contestant.ts";
import { choice, count, phaseOf, readFlags } from "./flags.ts";
import { describeMachine } from "./machine.ts";
import { batchOf, isNetwork, type Phase, phases } from "./phases.ts";
import type { ComparisonRow, PeerTiming, Skipped } from "./rows.ts";
import { timingOf } from "./step.ts";
import { comparisonTable, derivedLines } from "./tables.ts";

/** The two models that the peer has. */
const models = ["base", "tiny"] as const;
type Model = (typeof models)[number];

const modes = ["eager", "best"] as const satisfies PeerMode[];

/** `bench compare`. Returns the exit status. */
export async function compareCommand(argv: string[]): Promise<number> {
  const flags = readFlags(argv, ["model", "phase", "threads", "repeats", "warmup", "python", "json"], []);
  const threads = count("threads", flags.threads, 2);
  const repeats = count("repeats", flags.repeats, 5);
  const warmup = count("warmup", flags.warmup, 2);
  const chosenModels: readonly Model[] = flags.model ? [choice("model", flags.model, models)] : models;
  const chosenPhases: readonly Phase[] = flags.phase ? [phaseOf(flags.phase)] : phases;
  const python = flags.python ?? process.env.MSMAE_PYTHON;

  const checks = new Map<Phase, Awaited<ReturnType<typeof checkSmallCase>>>();
  for (const phase of chosenPhases) checks.set(phase, await checkSmallCase(phase, threads));
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
      const job = { phase, model, batch: batchOf(model, phase), threads };
      console.error(`${model} ${phase}, batch ${job.batch} …`);
      rows.push(await compareJob(job, { repeats, warmup, python }));
    }
  }
  const file = flags.json ?? defaultFile(machine.cpuModel);
  const document = { ...machine, repeats, warmup, checked: true, checks: Object.fromEntries(checks), rows };
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(document, null, 1)}\n`);
  console.error(`written to ${file}`);
  console.log([comparisonTable(rows), ...derivedLines(rows)].join("\n"));
  return 0;
}

function defaultFile(cpuModel: string): string {
  const name = `${new Date().toISOString().slice(0, 10)}-${cpuModel.replace(/[^A-Za-z0-9]+/g, "-").toLowerCase()}.json`;
  return new URL(`./results/${name}`, import.meta.url).pathname;
}

interface Rounds {
  repeats: number;
  warmup: number;
  python: string | undefined;
}

/** Steps of all contestants in turn, so that what slows the machine for a while slows them all. */
async function compareJob(job: Job, { repeats, warmup, python }: Rounds): Promise<ComparisonRow> {
  const [ours, ...started] = await Promise.all([
    startOurs(job),
    ...modes.map((mode) => peerOrReason(mode, job, { warmup, python })),
  ]);
  const peers = new Map(modes.map((mode, i) => [mode, started[i] as Contestant | Skipped]));
  for (let i = 0; i < warmup; i++) await ours.step();

  const steps = new Map<Contestant, Step[]>([[ours, []]]);
  for (const peer of peers.values()) if ("step" in peer) steps.set(peer, []);
  for (let round = 0; round < repeats; round++) {
    for (const [contestant, taken] of steps) {
      // Threads of the one before may still be spinning.
      await setTimeout(100);
      taken.push(await contestant.step());
    }
  }
  const timing = async (contestant: Contestant) => timingOf(steps.get(contestant) ?? [], contestant);
  const peerTiming = async (mode: PeerMode): Promise<PeerTiming> => {
    const peer = peers.get(mode) as Contestant | Skipped;
    return "step" in peer ? timing(peer) : peer;
  };
  return { ...job, ours: await timing(ours), eager: await peerTiming("eager"), best: await peerTiming("best") };
}

async function peerOrReason(
  mode: PeerMode,
  job: Job,
  { warmup, python }: Omit<Rounds, "repeats">,
): Promise<Contestant | Skipped> {
  if (python === undefined) return { skipped: "neither --python nor MSMAE_PYTHON names a Python with PyTorch" };
  try {
    return await startPeer(python, job, mode, warmup);
  } catch (error) {
    return { skipped: messageOf(error) };
  }
}
