import { writeFile } from "node:fs/promises";
import { checkSmallCase, passed } from "./check.ts";
import { type Contestant, type Job, type Precision, precisions, type Step, startOurs } from "./contestant.ts";
import { count, modelOf, phaseOf, readFlags } from "./flags.ts";
import { inTurn, type Rounds, ratiosOf } from "./in-turn.ts";
import { describeMachine } from "./machine.ts";
import { batchOf } from "./phases.ts";
import type { PrecisionRow } from "./rows.ts";
import { timingOf } from "./step.ts";
import { precisionTable } from "./tables.ts";

/** `bench precision`: steps in fp32 and in int8 in turn, each in a process of its own. Returns the exit status. */
export async function precisionCommand(argv: string[]): Promise<number> {
  const flags = readFlags(argv, ["model", "phase", "batch", "threads", "repeats", "warmup", "json"], []);
  const model = modelOf(flags.model ?? "base");
  const phase = phaseOf(flags.phase ?? "finetune");
  const threads = count("threads", flags.threads, 2);
  const job = { phase, model, batch: count("batch", flags.batch, batchOf(model, phase)), threads };
  const repeats = count("repeats", flags.repeats, 5);
  const warmup = count("warmup", flags.warmup, 2);
  for (const precision of precisions) {
    const check = await checkSmallCase(phase, threads, precision);
    if (passed(check)) continue;
    console.error(`the small case in ${precision} is outside its tolerance: ${JSON.stringify(check)}`);
    return 1;
  }
  const row = await measure(job, { repeats, warmup });
  if (flags.json) {
    const document = { ...(await describeMachine(threads)), repeats, warmup, checked: true, ...row };
    await writeFile(flags.json, `${JSON.stringify(document, null, 1)}\n`);
  }
  console.log(precisionTable(row));
  return 0;
}

async function measure(job: Omit<Job, "precision">, rounds: Rounds): Promise<PrecisionRow> {
  const contestants = new Map<Precision, Contestant>();
  for (const precision of precisions) contestants.set(precision, await startOurs({ ...job, precision }));
  const steps = await inTurn(contestants, rounds);
  const stepsOf = (precision: Precision) => steps.get(precision) as Step[];
  const timing = (precision: Precision) => timingOf(stepsOf(precision), contestants.get(precision) as Contestant);
  return {
    ...job,
    fp32: await timing("fp32"),
    int8: await timing("int8"),
    ratios: ratiosOf(stepsOf("int8"), stepsOf("fp32")),
  };
}
