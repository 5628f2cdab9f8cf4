import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { messageOf } from "../src/support/errors.ts";
import { checkSmallCase, holds } from "./check.ts";
import { startContender } from "./contender.ts";
import { type Contestant, type Device, type Job, peerModes, type Skipped, startOurs } from "./contestant.ts";
import { choice, jobFlags, jobOf, readFlags, roundsOf } from "./flags.ts";
import { inTurn, type Rounds } from "./in-turn.ts";
import { describeMachine, machineLine } from "./machine.ts";
import type { DeviceRow, DeviceTiming } from "./rows.ts";
import { timingOf } from "./step.ts";
import { deviceTable } from "./tables.ts";

const cards = ["webgpu", "cuda"] as const satisfies readonly Device[];
const ourPrecisions = ["fp32", "fp16"] as const;

/** `bench device`: steps on a graphics card, ours and the peer's, in turn. Returns the exit status. */
export async function deviceCommand(argv: string[]): Promise<number> {
  const flags = readFlags(argv, [...jobFlags, "device", "python"], []);
  const device = choice("device", flags.device, cards);
  const [job, rounds] = [{ ...jobOf(flags), device }, roundsOf(flags)];
  const python = flags.python ?? process.env.MSMAE_PYTHON;
  const started = new Map<string, Started | Skipped>();
  let status = 0;
  for (const precision of ourPrecisions) {
    const checkedStart = async () => {
      const check = await checkSmallCase({ ...job, precision });
      if (holds(`${job.phase} in ${precision} on ${device}`, check)) {
        return measuredStart(() => startOurs({ ...job, precision }));
      }
      status = 1;
      throw new Error("the small case is outside its tolerance");
    };
    started.set(`ours, ${precision}`, await checkedStart().catch(reason));
  }
  for (const mode of peerModes) {
    const start = () => startContender({ ...job, device: "cuda", contender: mode }, python);
    started.set(`PyTorch on CUDA, ${mode}`, await measuredStart(start).catch(reason));
  }
  const row = await timed(job, started, rounds);
  const machine = await describeMachine(job.threads);
  if (flags.json) await writeFile(flags.json, `${JSON.stringify({ ...machine, ...rounds, ...row }, null, 1)}\n`);
  console.log([`${machineLine(machine)}, ${row.card}`, "", deviceTable(row)].join("\n"));
  return status;
}

interface Started {
  contestant: Contestant;
  cardBytes: number | null;
}

const reason = (error: unknown): Skipped => ({ skipped: messageOf(error) });

/** Starts a contestant with a first step, in which it takes its memory of the card. */
async function measuredStart(start: () => Promise<Contestant>): Promise<Started> {
  const before = usedOfCard();
  const contestant = await start();
  await contestant.step();
  const after = usedOfCard();
  return { contestant, cardBytes: before === null || after === null ? null : after - before };
}

async function timed(job: Job, started: ReadonlyMap<string, Started | Skipped>, rounds: Rounds): Promise<DeviceRow> {
  const running = new Map(
    [...started].flatMap(([name, one]): [string, Contestant][] => ("skipped" in one ? [] : [[name, one.contestant]])),
  );
  const steps = await inTurn(running, rounds);
  const timings: Record<string, DeviceTiming | Skipped> = {};
  for (const [name, one] of started) {
    timings[name] =
      "skipped" in one ? one : { ...(await timingOf(steps.get(name) ?? [], one.contestant)), cardBytes: one.cardBytes };
  }
  return { ...job, card: askCard("name") ?? "a card of which nvidia-smi tells nothing", timings };
}

/** Bytes in use on the first card, by all processes. */
function usedOfCard(): number | null {
  const mebibytes = askCard("memory.used");
  return mebibytes === null ? null : Number(mebibytes) * 2 ** 20;
}

/** What NVIDIA's own tool says of the first card; null where there is none. */
function askCard(query: "name" | "memory.used"): string | null {
  const asked = [`--query-gpu=${query}`, "--format=csv,noheader,nounits"];
  const { status, stdout } = spawnSync("nvidia-smi", asked, { encoding: "utf8" });
  return status === 0 ? (stdout.trim().split("\n")[0] ?? null) : null;
}
