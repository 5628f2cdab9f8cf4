import { inputName } from "../src/engine/graph/graph.ts";
import { quantizedInput } from "../src/engine/graph/quantized-names.ts";
import type { Shape } from "../src/engine/graph/types.ts";
import { nodeBackend } from "../src/engine/runtime/node-backend.ts";
import { loadOnnxRuntime } from "../src/engine/runtime/node-binding.ts";
import { spawnNodeThread } from "../src/engine/runtime/node-threads.ts";
import { compile, floatsOf } from "../src/engine/runtime/program.ts";
import { EngineCore, type Update } from "../src/engine/thread/core.ts";
import { type Engine, type EngineOptions, engineSetup } from "../src/engine/thread/engine.ts";
import { openEngine } from "../src/engine/thread/node-engine.ts";
import { inPrecision } from "../src/method/models/precision.ts";
import type { Job, Step } from "./contestant.ts";
import { savings } from "./savings-workloads.ts";
import { createParameters } from "./weights.ts";
import { configOf, learningRate, type Workload, workload } from "./workload.ts";

/** A loaded workload. */
export interface Runner {
  nodes: number;
  /** Shapes of what is fed at each step. */
  inputs: Record<string, Shape>;
  step(): Promise<Step>;
  close(): Promise<void>;
}

/** What both kinds of engine can do. */
type Executor = Pick<Engine, "run" | "train" | "close">;

/** Loads the workload of a job into an engine as training does: a worker thread over shared parameters. */
export async function startRunner(job: Job): Promise<Runner> {
  const { batch, threads, device: provider } = job;
  const planned = workloadOf(job);
  const store = createParameters(planned, job.precision);
  const work = { ...planned, graph: inPrecision(planned.graph, job.precision, store) };
  const options: EngineOptions = { threads, store, optimizer: work.optimizer, provider };
  const executor = await load(options, work, job.arena);
  let count = 0;
  return {
    nodes: work.graph.nodes.length,
    inputs: Object.fromEntries(
      work.graph.inputs
        .filter((value) => !store.names.includes(inputName(value)) && !quantizedInput(inputName(value)))
        .map((value) => [inputName(value), value.shape]),
    ),
    async step() {
      const began = performance.now();
      const feeds = work.feeds(count++);
      const fed = performance.now();
      const before = process.cpuUsage();
      const update: Update = { kind: "step", lr: work.learningRate ?? learningRate(batch), stepIndex: count };
      const { name } = work.graph;
      const result = work.optimizer
        ? await executor.train(name, feeds, update)
        : { outputs: await executor.run(name, feeds), optimizerSeconds: 0, gradientNorm: undefined };
      const stepSeconds = (performance.now() - fed) / 1000;
      const { user, system } = process.cpuUsage(before);
      const processorSeconds = (user + system) / 1e6;
      const { optimizerSeconds, gradientNorm } = result;
      const outputs = floatsOf(result.outputs);
      const feedSeconds = (fed - began) / 1000;
      return { stepSeconds, processorSeconds, optimizerSeconds, feedSeconds, outputs, gradientNorm };
    },
    close: () => executor.close(),
  };
}

function workloadOf({ phase, model, batch, saving, recompute }: Job): Workload {
  const config = configOf(model);
  if (saving === undefined) return workload(phase, config, batch, { recompute });
  const found = savings.find(({ name }) => name === saving.name);
  if (!found || !("graphs" in found)) throw new Error(`no saving of graphs is called ${saving.name}`);
  return found.graphs[saving.variant](config, batch);
}

async function load(options: EngineOptions, work: Workload, arena: boolean | undefined): Promise<Executor> {
  if (arena === undefined) {
    const engine = await openEngine(options);
    await engine.load(work.graph);
    return engine;
  }
  if (!arena) turnArenaOff();
  // In this thread, so that the line above holds for it.
  const { setup } = engineSetup(options, { usual: "cpu", keeps: new Set() });
  const core = await EngineCore.create(setup, nodeBackend, spawnNodeThread);
  await core.load([compile(work.graph, "cpu")]);
  return core;
}

/** The backend has no such option, because nobody should choose it: this benchmark measures why. */
function turnArenaOff(): void {
  const { InferenceSession } = loadOnnxRuntime();
  const create = InferenceSession.create.bind(InferenceSession);
  const withoutArena = (model: Uint8Array, options: object) => create(model, { ...options, enableCpuMemArena: false });
  Object.assign(InferenceSession, { create: withoutArena });
}
