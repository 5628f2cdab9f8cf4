import { MsmaeError } from "../../support/errors.ts";
import type { OptimizerStep } from "../optim/step-options.ts";
import { ParameterStore } from "../parameters/parameter-store.ts";
import { type CompiledGraph, type Feeds, type Outputs, Program } from "../runtime/program.ts";
import type { CarriedTensors } from "../runtime/program-binding.ts";
import type { Backend } from "../runtime/session.ts";
import type { SpawnThread } from "../runtime/threads.ts";
import { DeviceHome } from "./device-home.ts";
import { HostHome } from "./host-home.ts";
import type { EngineSetup } from "./setup.ts";
import type { TensorHome } from "./tensor-home.ts";

/** What to do with the gradients of a batch. */
export type Update =
  /** Add them to the accumulator and wait for more. */
  | { kind: "accumulate" }
  /** Leave them, and the next states, to whoever trains with other processes: nothing in the store changes. */
  | { kind: "hold" }
  /** Step with them, or with the accumulator after adding them. */
  | ({ kind: "step" } & OptimizerStep);

/** What came of a batch. */
export interface TrainResult {
  /** The loss of the batch, which the graph gives as its output `loss`. */
  loss: number;
  outputs: Outputs;
  /** Global L2 norm of the gradient before clipping; absent while accumulating or when the loss was not finite. */
  gradientNorm?: number;
  /** After `hold`: the next value of each state tensor. */
  states?: Record<string, Float32Array>;
  /** Seconds in ONNX Runtime and in the optimiser. */
  runSeconds: number;
  optimizerSeconds: number;
}

/** Programs, parameters and optimiser in the thread that runs them. */
export class EngineCore {
  readonly #backend: Backend;
  readonly #setup: EngineSetup;
  readonly #home: TensorHome;
  /** By name, each in its parts: most are whole. */
  readonly #programs = new Map<string, readonly [Program, ...Program[]]>();

  private constructor(setup: EngineSetup, backend: Backend, home: TensorHome) {
    this.#setup = setup;
    this.#backend = backend;
    this.#home = home;
  }

  static async create(setup: EngineSetup, backend: Backend, spawn?: SpawnThread): Promise<EngineCore> {
    const { provider, threads, optimizer, tensors } = setup;
    const store = ParameterStore.attach(setup.store);
    const home =
      tensors === "device"
        ? await DeviceHome.open(backend, { provider, threads }, store, optimizer)
        : await HostHome.open(store, optimizer, { threads: spawn ? threads : 1, spawn });
    return new EngineCore(setup, backend, home);
  }

  /** Loads a graph, or the parts of one in their order, under the name of the first. */
  async load([whole, ...later]: readonly [CompiledGraph, ...CompiledGraph[]]): Promise<void> {
    if (this.#programs.has(whole.name)) return;
    const { provider, threads } = this.#setup;
    const carried: CarriedTensors = new Map();
    const load = (graph: CompiledGraph) =>
      Program.load(this.#backend, graph, { provider, threads, binding: this.#home.bind(graph, carried) });
    const parts: [Program, ...Program[]] = [await load(whole)];
    for (const part of later) parts.push(await load(part));
    this.#programs.set(whole.name, parts);
  }

  /** Drops a program, with the memory it holds. */
  async unload(name: string): Promise<void> {
    for (const part of this.#programs.get(name) ?? []) await part.release();
    this.#programs.delete(name);
  }

  /** @throws MsmaeError Config for a graph that reads weights in int8, which are only kept up while it trains. */
  async run(name: string, feeds: Feeds): Promise<Outputs> {
    const [program] = this.#partsOf(name);
    if (!program.readsQuantized) {
      await this.#home.prepare(program);
      return program.run(feeds);
    }
    throw new MsmaeError("Config", {
      where: `graph "${name}"`,
      expected: "a graph that reads its weights in float32",
      got: "one that reads them in int8",
      todo: "run it by train, or load it as it was before inInt8",
    });
  }

  /**
   * Runs a training graph, uses its gradients, and takes the next values that it gives for state tensors: those of
   * every batch, whether it steps or accumulates. A loss that is not finite leaves every tensor as it was. Of a graph in parts `hold` runs
   * the first alone.
   */
  async train(name: string, feeds: Feeds, update: Update): Promise<TrainResult> {
    this.#requireOptimizer();
    const started = performance.now();
    const [program, ...later] = this.#partsOf(name);
    await this.#home.prepare(program);
    const outputs = await program.run(feeds);
    const loss = lossOf(name, outputs);
    if (update.kind !== "hold") for (const part of later) await part.run({});
    const ran = performance.now();
    const result = { loss, outputs, runSeconds: (ran - started) / 1000, optimizerSeconds: 0 };
    if (update.kind === "hold") {
      this.#requireHost("update.kind hold");
      return { ...result, states: program.nextStates() };
    }
    if (!Number.isFinite(loss)) return result;
    let gradientNorm: number | undefined;
    if (update.kind === "accumulate") {
      await this.#home.accumulate();
    } else {
      if (update.fromAccumulator) await this.#home.accumulate();
      ({ gradientNorm } = await this.#home.step(update));
    }
    program.commitState();
    return { ...result, gradientNorm, optimizerSeconds: (performance.now() - ran) / 1000 };
  }

  /** Runs a later part of a training graph, after `hold` and the parts before it: more gradients stand in the store then. */
  async trainPart(name: string, part: number): Promise<void> {
    const program = this.#partsOf(name)[part] as Program;
    await this.#home.prepare(program);
    await program.run({});
  }

  /** One update with the accumulator or the gradients as they are, whoever put them there. */
  async step(options: OptimizerStep): Promise<{ gradientNorm: number; optimizerSeconds: number }> {
    this.#requireOptimizer();
    this.#requireHost("step");
    const started = performance.now();
    const { gradientNorm } = await this.#home.step(options);
    return { gradientNorm, optimizerSeconds: (performance.now() - started) / 1000 };
  }

  /** Brings into the store what stands on the device alone. */
  collect(): Promise<void> {
    return this.#home.collect();
  }

  async close(): Promise<void> {
    for (const name of [...this.#programs.keys()]) await this.unload(name);
    await this.#home.close();
  }

  #requireOptimizer(): void {
    if (!this.#setup.optimizer) throw new Error("this engine has no optimiser");
  }

  /** @throws MsmaeError Config where gradients stand on a device, which another process cannot add to. */
  #requireHost(where: string): void {
    if (this.#setup.tensors === "host") return;
    throw new MsmaeError("Config", {
      where: `engine, ${where}`,
      expected: "gradients in the host's memory",
      got: `them on ${this.#setup.provider}`,
      todo: "open the engine with exchanges: true",
    });
  }

  #partsOf(name: string): readonly [Program, ...Program[]] {
    const parts = this.#programs.get(name);
    if (parts) return parts;
    throw new MsmaeError("Config", {
      where: "engine",
      expected: "a loaded graph",
      got: `"${name}"`,
      todo: "load it first",
    });
  }
}

function lossOf(name: string, { loss }: Outputs): number {
  if (loss instanceof Float32Array && loss.length === 1) return loss[0] as number;
  throw new MsmaeError("Shape", {
    where: `graph "${name}"`,
    expected: 'an output "loss" of one float32',
    got: loss ? `${loss.constructor.name} of ${loss.length}` : "none",
    todo: "give the loss that is trained on this name",
  });
}
