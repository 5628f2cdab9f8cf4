import { AdamW } from "../optim/adamw.ts";
import { Lars } from "../optim/lars.ts";
import type { Optimizer, OptimizerThreads } from "../optim/optimizer.ts";
import type { OptimizerStep } from "../optim/step-options.ts";
import type { ParameterStore } from "../parameters/parameter-store.ts";
import type { CompiledGraph, Program } from "../runtime/program.ts";
import { type CarriedTensors, hostBinding, type ProgramBinding } from "../runtime/program-binding.ts";
import type { OptimizerSetup } from "./setup.ts";
import type { TensorHome } from "./tensor-home.ts";

/** Tensors in the store itself, stepped by the kernels in WebAssembly. */
export class HostHome implements TensorHome {
  readonly #store: ParameterStore;
  readonly #optimizer: Optimizer | undefined;
  /** Whether copies in int8 are those of the weights: not until they are first read, nor after a program came. */
  #quantized = false;

  private constructor(store: ParameterStore, optimizer: Optimizer | undefined) {
    this.#store = store;
    this.#optimizer = optimizer;
  }

  static async open(
    store: ParameterStore,
    setup: OptimizerSetup | undefined,
    threads: OptimizerThreads,
  ): Promise<HostHome> {
    const optimizer = setup && optimizerOf(setup, store, threads);
    await optimizer?.ready();
    return new HostHome(store, optimizer);
  }

  bind(graph: CompiledGraph, carried: CarriedTensors): ProgramBinding {
    this.#quantized = false;
    return hostBinding(graph, this.#store, carried);
  }

  async prepare(program: Program): Promise<void> {
    if (!program.readsQuantized || this.#quantized) return;
    this.#stepper().quantize();
    this.#quantized = true;
  }

  async accumulate(): Promise<void> {
    this.#stepper().accumulate();
  }

  async step(options: OptimizerStep): Promise<{ gradientNorm: number }> {
    return this.#stepper().step(options);
  }

  async collect(): Promise<void> {}

  async close(): Promise<void> {
    this.#optimizer?.close();
  }

  #stepper(): Optimizer {
    if (this.#optimizer) return this.#optimizer;
    throw new Error("this engine has no optimiser");
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
