import type { Graph } from "../../src/engine/graph/graph.ts";
import type { ParameterGroup } from "../../src/engine/optim/parameter-groups.ts";
import { lrAt, type WarmupCosine } from "../../src/engine/optim/schedule.ts";
import { afterAdamW, hostValues, keyBiasAfterAdamW } from "../tolerances.ts";
import type { Engine, Feeds } from "./engines.ts";
import { dtypeOfNumbers } from "./goldens.ts";
import { largest } from "./harness.ts";
import { compare, type ModelRun } from "./model-case.ts";

/** The `adamw` entry that all model cases share. */
export interface AdamWCase {
  lr_per_step: number[];
  betas: [number, number];
  eps: number;
  weightDecay: number;
  clipGradNorm?: number | null;
  schedule?: WarmupCosine & { epochPerStep: number };
}

export interface AdamWPlan {
  settings: AdamWCase;
  groups: ReadonlyMap<string, ParameterGroup>;
  graph: Graph;
  feeds: (engine: Engine, step: number) => Feeds;
}

/** Trains from the case's parameters: losses and norms of every step, parameters after those the golden holds. */
export async function checkAdamW(run: ModelRun, { settings, groups, graph, feeds }: AdamWPlan): Promise<void> {
  const { golden, parameters, engines, out } = run;
  const { lr_per_step: rates, betas, eps, clipGradNorm, schedule } = settings;
  if (schedule) {
    const computed = rates.map((_, step) => lrAt(schedule, step * schedule.epochPerStep));
    out.add("adamw/lr", "host", computed, rates, hostValues[dtypeOfNumbers(rates)]);
  }
  for (const engine of engines) {
    engine.reset(parameters);
    const step = engine.adamw({ groups, beta1: betas[0], beta2: betas[1], eps, clipNorm: clipGradNorm ?? undefined });
    for (const [index, lr] of rates.entries()) {
      const results = await engine.run(graph, feeds(engine, index));
      compare(run, `adamw/loss/${index}`, engine.executor, results("loss"), afterAdamW);
      const norm = step(lr, index + 1);
      compare(run, `adamw/gradNorm/${index}`, engine.executor, [norm], afterAdamW);
      const path = rates.slice(0, index + 1).reduce((sum, rate) => sum + rate, 0);
      for (const name of golden.namesUnder(`adamw/after${index + 1}/`)) {
        const quantity = `adamw/after${index + 1}/${name}`;
        compareAfterSteps(run, engine, { quantity, name, path: path * (groups.get(name)?.lrScale ?? 1) });
      }
    }
  }
}

/** Compares a tensor after some steps; `path` is the sum of its learning rates up to there. */
export function compareAfterSteps(
  run: Pick<ModelRun, "golden" | "out">,
  engine: Engine,
  { quantity, name, path }: { quantity: string; name: string; path: number },
): void {
  const { golden, out } = run;
  const { executor } = engine;
  const got = Array.from(engine.parameter(name));
  if (!name.endsWith("qkv.bias")) {
    compare(run, quantity, executor, got, afterAdamW);
    return;
  }
  const expected = Array.from(golden.values(quantity));
  const dtype = golden.dtype(quantity);
  const third = expected.length / 3;
  const keys = (values: number[]) => values.slice(third, 2 * third);
  const others = (values: number[]) => [...values.slice(0, third), ...values.slice(2 * third)];
  const whole = largest(expected);
  const tolerance = afterAdamW[dtype][executor];
  const noise = keyBiasAfterAdamW[dtype][executor];
  const relative = tolerance.relative + (noise.relative * path) / (whole || 1);
  out.add(`${quantity} (query, value)`, executor, others(got), others(expected), tolerance, whole);
  out.add(`${quantity} (key)`, executor, keys(got), keys(expected), { ...noise, relative }, whole);
}
