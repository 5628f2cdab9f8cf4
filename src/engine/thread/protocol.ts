import type { PortableError } from "../../support/errors.ts";
import type { OptimizerStep } from "../optim/step-options.ts";
import type { CompiledGraph, Feeds } from "../runtime/program.ts";
import type { Update } from "./core.ts";
import type { EngineSetup } from "./setup.ts";

/** What the engine's thread can be asked, without the number that pairs a request with its reply. */
export type EngineCommand =
  | { kind: "ready" }
  | { kind: "load"; parts: readonly [CompiledGraph, ...CompiledGraph[]] }
  | { kind: "unload"; name: string }
  | { kind: "run"; name: string; feeds: Feeds }
  | { kind: "train"; name: string; feeds: Feeds; update: Update }
  | { kind: "trainPart"; name: string; part: number }
  | { kind: "step"; options: OptimizerStep }
  | { kind: "collect" }
  | { kind: "close" };

export type EngineRequest = EngineCommand & { id: number };

export interface EngineReply {
  id: number;
  value?: unknown;
  error?: PortableError;
}

/** The engine's thread as its owner holds it. */
export interface EngineThread {
  /** Sends a request; the buffers of `moved` move instead of being copied. */
  send(request: EngineRequest, moved: ArrayBuffer[]): void;
  terminate(): unknown;
}

/**
 * Starts the engine's thread. What differs between Node and browsers stays behind this function. `onEnd` is called with
 * the reason when the thread has failed or is gone.
 */
export type StartEngineThread = (
  setup: EngineSetup,
  onReply: (reply: EngineReply) => void,
  onEnd: (reason: string) => void,
) => EngineThread;
