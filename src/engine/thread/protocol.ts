import type { PortableError } from "../../support/errors.ts";
import type { CompiledGraph, Feeds } from "../runtime/program.ts";
import type { EngineSetup, Update } from "./core.ts";

/** What the engine's thread is given at its start. */
export interface EngineThreadData {
  setup: EngineSetup;
  /** The memory of the ExitGate that its calls of ONNX Runtime pass. */
  gate: SharedArrayBuffer;
}

/** What the engine's thread can be asked, without the number that pairs a request with its reply. */
export type EngineCommand =
  | { kind: "ready" }
  | { kind: "load"; graph: CompiledGraph }
  | { kind: "unload"; name: string }
  | { kind: "run"; name: string; feeds: Feeds }
  | { kind: "train"; name: string; feeds: Feeds; update: Update }
  | { kind: "close" };

export type EngineRequest = EngineCommand & { id: number };

export interface EngineReply {
  id: number;
  value?: unknown;
  error?: PortableError;
}
