import { writeFile } from "node:fs/promises";
import type { Precision } from "../src/method/models/precision.ts";
import { checkSmallCase, holds } from "./check.ts";
import { type Contestant, type Job, precisions, type Step, startOurs } from "./contestant.ts";
import { jobFlags, jobOf, readFlags, roundsOf } from "./flags.ts";
import { inTurn, type Rounds, ratiosOf } from "./in-turn.ts";
import { describeMachine } from "./machine.ts";
import type { PrecisionRow } from "./rows.ts";
import { timingOf } from "./step.ts";
import { precisionTable } from "./tables.ts";

/** `bench precision`: steps in every precision in turn, each in a process of its own. Returns the exit status. */
export async function precisionCommand(argv: string[]): Promise<number> {
  const flags = readFlags(argv, jobFlags, []);
  const [job, rounds] = [jobOf(flags), roundsOf(flags)];
  for (const precision of precisions) {
    const check = await checkSmallCase({ ...job, precision });
    if (!holds(`${job.phase} in ${precision}`, check)) return 1;
  }
  const rows = await measure(job, rounds);
  if (flags.json) {
    const document = { ...(await describeMachine(job.threads)), ...rounds, checked: true, rows };
    await writeFile(flags.json, `${JSON.stringify(document, null, 1)}\n`);
  }
  console.log(precisionTable(rows));
  return 0;
}

async function measure(job: Omit<Job, "precision">, rounds: Rounds): Promise<PrecisionRow[]> {
  const contestants = new Map<Precision, Contestant>();
  for (const precision of precisions) contestants.set(precision, await startOurs({ ...job, precision }));
  const steps = await inTurn(contestants, rounds);
  const stepsOf = (precision: Precision) => steps.get(precision) as Step[];
  const timing = (precision: Precision) => timingOf(stepsOf(precision), contestants.get(precision) as Contestant);
  const rows: PrecisionRow[] = [];
  for (const precision of precisions) {
    const ratios = ratiosOf(stepsOf(precision), stepsOf("fp32"));
    rows.push({ ...job, precision, timing: await timing(precision), ratios });
  }
  return rows;
}
