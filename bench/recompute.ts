import { writeFile } from "node:fs/promises";
import { checkSmallCase, holds } from "./check.ts";
import { startedOrReason } from "./compare.ts";
import { type Contestant, type Job, startOurs } from "./contestant.ts";
import { jobFlags, jobOf, readFlags, roundsOf } from "./flags.ts";
import { inTurn, type Rounds } from "./in-turn.ts";
import { describeMachine } from "./machine.ts";
import type { RecomputeRow } from "./rows.ts";
import { timingOf } from "./step.ts";
import { recomputeTable } from "./tables.ts";

/** `bench recompute`: steps that keep blocks and that compute them anew, and the peer's, in turn. Returns the exit status. */
export async function recomputeCommand(argv: string[]): Promise<number> {
  const flags = readFlags(argv, [...jobFlags, "python"], ["anew-only"]);
  const [job, rounds] = [jobOf(flags), roundsOf(flags)];
  const check = await checkSmallCase(job.phase, job.threads, "fp32", { recompute: true });
  if (!holds(`${job.phase} with blocks computed anew`, check)) return 1;
  const python = flags.python ?? process.env.MSMAE_PYTHON;
  const row = await measure(job, { ...rounds, python, anewOnly: flags["anew-only"] === true });
  if (flags.json) {
    const document = { ...(await describeMachine(job.threads)), ...rounds, checked: true, ...row };
    await writeFile(flags.json, `${JSON.stringify(document, null, 1)}\n`);
  }
  console.log(recomputeTable(row));
  return 0;
}

interface Conditions extends Rounds {
  python: string | undefined;
  anewOnly: boolean;
}

async function measure(job: Job, { python, anewOnly, ...rounds }: Conditions): Promise<RecomputeRow> {
  const recomputing = { ...job, recompute: true };
  const started = {
    kept: anewOnly ? { skipped: "keeping blocks was left out by --anew-only" } : await startOurs(job),
    anew: await startOurs(recomputing),
    peer: await startedOrReason({ ...recomputing, contender: "eager" }, python),
  };
  const running = Object.entries(started).filter((entry): entry is [string, Contestant] => "step" in entry[1]);
  const steps = await inTurn(new Map(running), rounds);
  const timing = (name: keyof typeof started, one: Contestant) => timingOf(steps.get(name) ?? [], one);
  const { kept, anew, peer } = started;
  return {
    ...job,
    kept: "step" in kept ? await timing("kept", kept) : kept,
    anew: await timing("anew", anew),
    peer: "step" in peer ? await timing("peer", peer) : peer,
  };
}
