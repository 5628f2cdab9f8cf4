import { writeFile } from "node:fs/promises";
import { checkSmallCase, holds } from "./check.ts";
import { startedOrReason } from "./contender.ts";
import { type Contestant, type Job, precisions, startOurs } from "./contestant.ts";
import { choice, jobFlags, jobOf, readFlags, roundsOf } from "./flags.ts";
import { inTurn, type Rounds, startedInTurn } from "./in-turn.ts";
import { describeMachine } from "./machine.ts";
import { type RecomputeRow, type RecomputeWay, recomputeWays } from "./rows.ts";
import { timingOf } from "./step.ts";
import { recomputeTable } from "./tables.ts";

/** `bench recompute`: steps that keep blocks and that compute them anew, and the peer's of both kinds, in turn. Returns the exit status. */
export async function recomputeCommand(argv: string[]): Promise<number> {
  const flags = readFlags(argv, [...jobFlags, "precision", "python"], ["anew-only"]);
  const precision = choice("precision", flags.precision ?? "fp32", precisions);
  const [job, rounds] = [{ ...jobOf(flags), precision }, roundsOf(flags)];
  const check = await checkSmallCase({ ...job, recompute: true });
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
  const all = Object.keys(recomputeWays) as RecomputeWay[];
  const ways = all.filter((way) => recomputeWays[way].recompute || !anewOnly);
  const started = await startedInTurn(ways, (way) => {
    const { recompute, ours } = recomputeWays[way];
    return ours ? startOurs({ ...job, recompute }) : startedOrReason({ ...job, recompute, contender: "eager" }, python);
  });
  const running = [...started].filter((entry): entry is [RecomputeWay, Contestant] => "step" in entry[1]);
  const steps = await inTurn(new Map(running), rounds);
  const timings: RecomputeRow["timings"] = {};
  for (const [way, one] of started) timings[way] = "step" in one ? await timingOf(steps.get(way) ?? [], one) : one;
  return { ...job, timings };
}
