import { writeFile } from "node:fs/promises";
import { interpret } from "../src/engine/graph/interpreter.ts";
import { outputs } from "../test/tolerances.ts";
import { measureOf, relativeError, smallBatch, smallConfig } from "./check.ts";
import { type Contestant, type Job, type Step, startOurs } from "./contestant.ts";
import { choice, count, modelOf, readFlags } from "./flags.ts";
import { inTurn, type Rounds } from "./in-turn.ts";
import { describeMachine } from "./machine.ts";
import { batchOf } from "./phases.ts";
import type { SavingRow } from "./rows.ts";
import { type Saving, savings } from "./savings-workloads.ts";
import { timingOf } from "./step.ts";
import { savingsTable } from "./tables.ts";
import { createParameters } from "./weights.ts";
import type { Workload } from "./workload.ts";

/** Both sides run in float64, in another order of summation at most. */
const float64Tolerance = outputs.float64.float64.relative;

/** `bench savings`. Returns the exit status. */
export async function savingsCommand(argv: string[]): Promise<number> {
  const flags = readFlags(argv, ["model", "only", "threads", "repeats", "warmup", "json"], []);
  const model = modelOf(flags.model ?? "base");
  const threads = count("threads", flags.threads, 2);
  const repeats = count("repeats", flags.repeats, 5);
  const warmup = count("warmup", flags.warmup, 2);
  const names = savings.map(({ name }) => name);
  const only = flags.only === undefined ? undefined : choice("only", flags.only, names);
  const rows: SavingRow[] = [];
  for (const saving of savings.filter(({ name }) => only === undefined || name === only)) {
    console.error(`${saving.name} …`);
    const job = { phase: saving.phase, model, batch: batchOf(model, saving.phase), threads };
    rows.push(await measure(saving, job, { repeats, warmup }));
  }
  if (flags.json) {
    const document = { ...(await describeMachine(threads)), repeats, warmup, rows };
    await writeFile(flags.json, `${JSON.stringify(document, null, 1)}\n`);
  }
  console.log(savingsTable(rows));
  const failed = rows.filter(({ checked }) => !checked);
  for (const { name, float64Error, fp32Error } of failed) {
    console.error(`${name}: results differ by ${float64Error} in float64, ${fp32Error} in fp32`);
  }
  return failed.length === 0 ? 0 : 1;
}

type Side = "with" | "without";

async function measure(saving: Saving, job: Job, { repeats, warmup }: Rounds): Promise<SavingRow> {
  const contestants = { with: await start(saving, job, "with"), without: await start(saving, job, "without") };
  const first = { with: await contestants.with.step(), without: await contestants.without.step() };
  // The first steps, whose results are compared, warmed up already.
  const turns = new Map<Side, Contestant>([
    ["with", contestants.with],
    ["without", contestants.without],
  ]);
  const steps = await inTurn(turns, { repeats, warmup: warmup - 1 });
  const timing = (side: Side) => timingOf(steps.get(side) as Step[], contestants[side]);
  const float64Error = "graphs" in saving ? differenceInFloat64(saving.graphs) : undefined;
  const fp32Error = differenceOfSteps(first.with, first.without);
  return {
    ...job,
    name: saving.name,
    saves: saving.saves,
    with: await timing("with"),
    without: await timing("without"),
    ...(float64Error === undefined ? {} : { float64Error }),
    fp32Error,
    checked: (float64Error ?? 0) <= float64Tolerance && fp32Error <= outputs.float32.cpu.relative,
  };
}

function start(saving: Saving, job: Job, variant: Side) {
  if ("graphs" in saving) return startOurs({ ...job, saving: { name: saving.name, variant } });
  const on = variant === "with";
  if (saving.setting === "arena") return startOurs({ ...job, arena: on });
  return startOurs(job, on ? { GLIBC_TUNABLES: "glibc.malloc.hugetlb=1" } : {});
}

/** Largest difference over all outputs, gradients included, that both workloads have. */
export function differenceInFloat64({
  with: saved,
  without: whole,
}: Record<Side, (...of: [typeof smallConfig, number]) => Workload>): number {
  const [a, b] = [saved, whole].map((make) => {
    const work = make(smallConfig, smallBatch);
    const store = createParameters(work);
    const parameters = Object.fromEntries(store.names.map((name) => [name, store.parameter(name)]));
    return interpret(work.graph, { ...parameters, ...work.feeds(0) });
  }) as [ReturnType<typeof interpret>, ReturnType<typeof interpret>];
  const errors = [...a].flatMap(([name, { data }]) => {
    const other = b.get(name);
    return other ? [relativeError(other.data, data, measureOf(name, a))] : [];
  });
  return errors.length === 0 ? Number.POSITIVE_INFINITY : Math.max(...errors);
}

function differenceOfSteps(a: Step, b: Step): number {
  const common = Object.entries(a.outputs ?? {}).flatMap(([name, values]) => {
    const other = b.outputs?.[name];
    return other ? [relativeError(other, values)] : [];
  });
  const norms = a.gradientNorm === undefined ? [] : [relativeError([b.gradientNorm ?? Number.NaN], [a.gradientNorm])];
  return common.length === 0 ? Number.POSITIVE_INFINITY : Math.max(...common, ...norms);
}
