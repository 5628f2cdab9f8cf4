import { writeFile } from "node:fs/promises";
import { checkSmallCase, passed } from "./check.ts";
import { startedOrReason } from "./compare.ts";
import { type Contestant, type Job, startOurs } from "./contestant.ts";
import { count, modelOf, phaseOf, readFlags } from "./flags.ts";
import { inTurn, type Rounds } from "./in-turn.ts";
import { describeMachine } from "./machine.ts";
import { batchOf } from "./phases.ts";
import type { RecomputeRow } from "./rows.ts";
import { timingOf } from "./step.ts";
import { recomputeTable } from "./tables.ts";

/** `bench recompute`: steps that keep blocks and that compute them anew, and the peer's, in turn. Returns the exit status. */
export async function recomputeCommand(argv: string[]): Promise<number> {
  const names = ["model", "phase", "batch", "threads", "repeats", "warmup", "python", "json"] as const;
  const flags = readFlags(argv, names, ["anew-only"]);
  const model = modelOf(flags.model ?? "base");
  const phase = phaseOf(flags.phase ?? "finetune");
  const threads = count("threads", flags.threads, 2);
  const job = { phase, model, batch: count("batch", flags.batch, batchOf(model, phase)), threads };
  const repeats = count("repeats", flags.repeats, 5);
  const warmup = count("warmup", flags.warmup, 2);
  const check = await checkSmallCase(phase, threads, "fp32", { recompute: true });
  if (!passed(check)) {
    console.error(`the small case is outside its tolerance: ${JSON.stringify(check)}`);
    return 1;
  }
  const python = flags.python ?? process.env.MSMAE_PYTHON;
  const row = await measure(job, { repeats, warmup, python, anewOnly: flags["anew-only"] === true });
  if (flags.json) {
    const document = { ...(await describeMachine(threads)), repeats, warmup, checked: true, ...row };
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
