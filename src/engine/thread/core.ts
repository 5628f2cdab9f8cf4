import { MsmaeError } from "../../support/errors.ts";
import type { Provider } from "../onnx/operators.ts";
import { AdamW, type AdamWOptions } from "../optim/adamw.ts";
import { Lars, type LarsOptions } from "../optim/lars.ts";
import type { Optimizer, OptimizerThreads } from "../optim/optimizer.ts";
import type { ParameterGroup } from "../optim/parameter-groups.ts";
import type { OptimizerStep } from "../optim/step-options.ts";
import { ParameterStore, type StoreHandle } from "../parameters/parameter-store.ts";
import { type CompiledGraph, type Feeds, type Outputs, Program } from "../runtime/program.ts";
import type { Backend } from "../runtime/session.ts";
import type { SpawnThread } from "../runtime/threads.ts";

/** What an engine is made of. Everything survives `postMessage`. */
export interface EngineSetup {
  provider: Provider;
  /** Threads of ONNX Runtime and of the optimiser. */
  threads: number;
  store: StoreHandle;
  /** Absent where nothing is trained. */
  optimizer?: OptimizerSetup;
}

/** Which optimiser steps, and how it treats each trainable tensor. */
export type OptimizerSetup = { groups: [string, ParameterGroup][] } & (
  | ({ rule: "adamw" } & Omit<AdamWOptions, keyof OptimizerThreads>)
  | ({ rule: "lars" } & Omit<LarsOptions, keyof OptimizerThreads>)
);

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
  readonly #store: ParameterStore;
  readonly #optimizer: Optimizer | undefined;
  readonly #programs = new Map<string, Program>();
  /** Whether copies in int8 are those of the weights: not until they are first read, nor after a program came. */
  #quantized = false;

  private constructor(setup: EngineSetup, backend: Backend, spawn: SpawnThread | undefined) {
    this.#setup = setup;
    this.#backend = backend;
    this.#store = ParameterStore.attach(setup.store);
    if (setup.optimizer) {
      this.#optimizer = optimizerOf(setup.optimizer, this.#store, { threads: spawn ? setup.threads : 1, spawn });
    }
  }

  static async create(setup: EngineSetup, backend: Backend, spawn?: SpawnThread): Promise<EngineCore> {
    const core = new EngineCore(setup, backend, spawn);
    await core.#optimizer?.ready();
    return core;
  }

  async load(graph: CompiledGraph): Promise<void> {
    if (this.#programs.has(graph.name)) return;
    const { provider, threads } = this.#setup;
    this.#programs.set(graph.name, await Program.load(this.#backend, graph, { provider, threads, store: this.#store }));
    this.#quantized = false;
  }

  /** Drops a program, with the memory it holds. */
  async unload(name: string): Promise<void> {
    await this.#programs.get(name)?.release();
    this.#programs.delete(name);
  }

  /** @throws MsmaeError Config for a graph that reads weights in int8, which are only kept up while it trains. */
  async run(name: string, feeds: Feeds): Promise<Outputs> {
    const program = this.#program(name);
    if (!program.readsQuantized) return program.run(feeds);
    throw new MsmaeError("Config", {
      where: `graph "${name}"`,
      expected: "a graph that reads its weights in float32",
      got: "one that reads them in int8",
      todo: "run it by train, or load it as it was before inInt8",
    });
  }

  /**
   * Runs a training graph, uses its gradients, and takes the next values that it gives for state tensors: those of
   * every batch, whether it steps or accumulates. A loss that is not finite leaves every tensor as it was.
   */
  async train(name: string, feeds: Feeds, update: Update): Promise<TrainResult> {
    const optimizer = this.#requireOptimizer();
    const started = performance.now();
    const program = this.#program(name);
    if (program.readsQuantized && !this.#quantized) {
      optimizer.quantize();
      this.#quantized = true;
    }
    const outputs = await program.run(feeds);
    const ran = performance.now();
    const loss = lossOf(name, outputs);
    const result = { loss, outputs, runSeconds: (ran - started) / 1000, optimizerSeconds: 0 };
    if (update.kind === "hold") return { ...result, states: program.nextStates() };
    if (!Number.isFinite(loss)) return result;
    let gradientNorm: number | undefined;
    if (update.kind === "accumulate") {
      optimizer.accumulate();
    } else {
      if (update.fromAccumulator) optimizer.accumulate();
      ({ gradientNorm } = optimizer.step(update));
    }
    program.commitState();
    return { ...result, gradientNorm, optimizerSeconds: (performance.now() - ran) / 1000 };
  }

  /** One update with the accumulator or the gradients as they are, whoever put them there. */
  step(options: OptimizerStep): { gradientNorm: number; optimizerSeconds: number } {
    const started = performance.now();
    const { gradientNorm } = this.#requireOptimizer().step(options);
    return { gradientNorm, optimizerSeconds: (performance.now() - started) / 1000 };
  }

  async close(): Promise<void> {
    this.#optimizer?.close();
    for (const program of this.#programs.values()) await program.release();
    this.#programs.clear();
  }

  #requireOptimizer(): Optimizer {
    if (this.#optimizer) return this.#optimizer;
    throw new Error("this engine has no optimiser");
  }

  #program(name: string): Program {
    const program = this.#programs.get(name);
    if (program) return program;
    throw new MsmaeError("Config", {
      where: "engine",
      expected: "a loaded graph",
      got: `"${name}"`,
      todo: "load it first",
    });
  }
}

function optimizerOf(
  { groups: entries, ...settings }: OptimizerSetup,
  store: ParameterStore,
  threads: OptimizerThreads,
): Optimizer {
  const groups = new Map(entries);
  if (settings.rule === "lars") return new Lars(store, groups, { ...settings, ...threads });
  return new AdamW(store, groups, { ...settings, ...threads });
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
