import { writeFile } from "node:fs/promises";
import { sizeOf } from "../src/engine/graph/shape.ts";
import { attentionCounts } from "../src/method/masking/selection.ts";
import { classifierSpecs } from "../src/method/models/classifier.ts";
import { patchCount } from "../src/method/models/config.ts";
import { classifierMultiplyAdds } from "../src/results/efficiency.ts";
import { checkSmallCase, holds } from "./check.ts";
import { type Contestant, type Job, type Step, startOurs } from "./contestant.ts";
import { count, modelsOf, readFlags } from "./flags.ts";
import { inTurn, type Rounds } from "./in-turn.ts";
import { describeMachine } from "./machine.ts";
import { tooMuch } from "./peak-memory.ts";
import type { Phase } from "./phases.ts";
import type { EfficiencyRow } from "./rows.ts";
import { timingOf } from "./step.ts";
import { efficiencyTable } from "./tables.ts";
import { configOf, type ModelConfig } from "./workload.ts";

/** Unless --models names others: large and huge take minutes a step on a small machine. */
const usualModels = ["micro", "mini", "tiny", "small", "base"];
/** Images of a step, both methods alike. */
const batches: Readonly<Record<string, number>> = { base: 16, large: 8, huge: 4 };
const usualBatch = 32;

const works = ["fine-tuning", "inference"] as const;
const methods = ["mae", "msmae"] as const;
const phasesOf = {
  "fine-tuning": { mae: "finetune-full", msmae: "finetune" },
  inference: { mae: "infer-full", msmae: "infer-masked" },
} as const satisfies Record<(typeof works)[number], Record<(typeof methods)[number], Phase>>;

/** `bench efficiency`. Returns the exit status. */
export async function efficiencyCommand(argv: string[]): Promise<number> {
  const flags = readFlags(argv, ["models", "batch", "threads", "repeats", "warmup", "json"], []);
  const models = modelsOf(flags.models, usualModels);
  const threads = count("threads", flags.threads, 2);
  const repeats = count("repeats", flags.repeats, 5);
  const warmup = count("warmup", flags.warmup, 2);
  const checks: Partial<Record<Phase, Awaited<ReturnType<typeof checkSmallCase>>>> = {};
  for (const phase of works.flatMap((work) => methods.map((method) => phasesOf[work][method]))) {
    const check = await checkSmallCase({ phase, threads });
    checks[phase] = check;
    if (!holds(phase, check)) return 1;
  }
  const rows: EfficiencyRow[] = [];
  for (const model of models) {
    const batch = count("batch", flags.batch, batches[model] ?? usualBatch);
    for (const work of works) {
      console.error(`${model} ${work}, batch ${batch} …`);
      rows.push(...(await measurePair(work, { model, batch, threads }, { repeats, warmup })));
    }
  }
  if (flags.json) {
    const document = { ...(await describeMachine(threads)), repeats, warmup, checked: true, checks, rows };
    await writeFile(flags.json, `${JSON.stringify(document, null, 1)}\n`);
  }
  console.log(efficiencyTable(rows));
  return 0;
}

/** Steps of both methods in turn, each in a process of its own, so that its peak memory is its own. */
async function measurePair(
  work: (typeof works)[number],
  job: Omit<Job, "phase">,
  rounds: Rounds,
): Promise<EfficiencyRow[]> {
  const config = configOf(job.model);
  const patches = patchCount(config);
  const { kept } = attentionCounts(patches, { maskRatio: 0.45, throwRatio: 0.3 });
  const sides = methods.map((method) => {
    const shown = method === "mae" ? patches : kept;
    const multiplyAdds = {
      thop: classifierMultiplyAdds(config, "thop", { kept: shown }),
      fvcore: classifierMultiplyAdds(config, "fvcore", { kept: shown }),
    };
    return { ...job, method, work, phase: phasesOf[work][method], tokens: shown + 1, multiplyAdds };
  });
  const needed = sides.reduce((sum, { tokens }) => sum + roughBytes(config, work, job.batch, tokens), 0);
  const free = process.availableMemory();
  if (needed > free) {
    const skipped = `both methods side by side need ${tooMuch(needed, free)}`;
    return sides.map((side) => ({ ...side, timing: { skipped } }));
  }
  const contestants: Contestant[] = [];
  for (const { phase } of sides) contestants.push(await startOurs({ ...job, phase }));
  const steps = await inTurn(new Map(contestants.entries()), rounds);
  const rows: EfficiencyRow[] = [];
  for (const [i, side] of sides.entries()) {
    const timing = await timingOf(steps.get(i) as Step[], contestants[i] as Contestant);
    rows.push({ ...side, timing: { ...timing, imagesPerSecond: job.batch / timing.stepSeconds } });
  }
  return rows;
}

/**
 * About what a process will need at its peak, before it is started: floats that a block keeps for its derivative, or has in
 * hand, by the measured peaks of base and tiny in docs/performance.md, and a tenth above.
 */
export function roughBytes(config: ModelConfig, work: (typeof works)[number], batch: number, tokens: number): number {
  const { depth, embedDim, numHeads } = config;
  const parameters = classifierSpecs(config).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const block = batch * tokens * (24 * embedDim + 3 * numHeads * tokens);
  const floats = work === "fine-tuning" ? 4 * parameters + depth * block : parameters + block;
  return 1.1 * (4 * floats + 0.3e9);
}
