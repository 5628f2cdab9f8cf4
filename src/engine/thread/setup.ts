import type { Provider } from "../onnx/operators.ts";
import type { AdamWOptions } from "../optim/adamw.ts";
import type { LarsOptions } from "../optim/lars.ts";
import type { OptimizerThreads } from "../optim/optimizer.ts";
import type { ParameterGroup } from "../optim/parameter-groups.ts";
import type { StoreHandle } from "../parameters/parameter-store.ts";

/** What an engine is made of. Everything survives `postMessage`. */
export interface EngineSetup {
  provider: Provider;
  /** Threads of ONNX Runtime and of the optimiser. */
  threads: number;
  store: StoreHandle;
  /** Where tensors stand between runs. */
  tensors: "host" | "device";
  /** Absent where nothing is trained. */
  optimizer?: OptimizerSetup;
}

/** Which optimiser steps, and how it treats each trainable tensor. */
export type OptimizerSetup = { groups: [string, ParameterGroup][] } & (
  | ({ rule: "adamw" } & Omit<AdamWOptions, keyof OptimizerThreads>)
  | ({ rule: "lars" } & Omit<LarsOptions, keyof OptimizerThreads>)
);
