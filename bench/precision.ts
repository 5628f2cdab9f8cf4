import { writeFile } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import { checkSmallCase, passed } from "./check.ts";
import { type Job, median, type Precision, precisions, type Step, startOurs } from "./contestant.ts";
import { count, modelOf, phaseOf, readFlags } from "./flags.ts";
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
  const row = await measure(job, repeats, warmup);
  if (flags.json) {
    const document = { ...(await describeMachine(threads)), repeats, warmup, checked: true, ...row };
    await writeFile(flags.json, `${JSON.stringify(document, null, 1)}\n`);
  }
  console.log(precisionTable(row));
  return 0;
}

async function measure(job: Job, repeats: number, warmup: number): Promise<PrecisionRow> {
  const contestants = {
    fp32: await startOurs({ ...job, precision: "fp32" }),
    int8: await startOurs({ ...job, precision: "int8" }),
  };
  const steps: Record<Precision, Step[]> = { fp32: [], int8: [] };
  for (let round = -warmup; round < repeats; round++) {
    for (const precision of precisions) {
      // Threads of the other may still be spinning.
      await setTimeout(100);
      const step = await contestants[precision].step();
      if (round >= 0) steps[precision].push(step);
    }
  }
  const ratiosOf = (seconds: (step: Step) => number) =>
    steps.int8.map((step, i) => seconds(step) / seconds(steps.fp32[i] as Step));
  const processor = ({ processorSeconds = Number.NaN }: Step) => processorSeconds;
  return {
    ...job,
    fp32: await timingOf(steps.fp32, contestants.fp32),
    int8: await timingOf(steps.int8, contestants.int8),
    ratios: { wall: ratiosOf(({ stepSeconds }) => stepSeconds), processor: ratiosOf(processor) },
    processorSeconds: { fp32: median(steps.fp32.map(processor)), int8: median(steps.int8.map(processor)) },
  };
}
