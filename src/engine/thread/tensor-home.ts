import type { OptimizerStep } from "../optim/step-options.ts";
import type { CompiledGraph, Program } from "../runtime/program.ts";
import type { CarriedTensors, ProgramBinding } from "../runtime/program-binding.ts";

/** Where the tensors of an engine stand between runs, and who steps them: the host, or the device that runs the graphs. */
export interface TensorHome {
  /** Binds a graph that is about to be loaded. @throws MsmaeError Shape where it does not fit the store. */
  bind(graph: CompiledGraph, carried: CarriedTensors): ProgramBinding;
  /** Sees to it that a program finds what it reads, before each run. */
  prepare(program: Program): Promise<void>;
  /** accumulator += gradient. */
  accumulate(): Promise<void>;
  /** One update of the optimiser. @throws MsmaeError NonFiniteLoss for a gradient that is not finite. */
  step(options: OptimizerStep): Promise<{ gradientNorm: number }>;
  /** Brings into the store what it does not have yet. */
  collect(): Promise<void>;
  /** After the programs. */
  close(): Promise<void>;
}
