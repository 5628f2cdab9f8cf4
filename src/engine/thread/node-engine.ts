import { messageOf } from "../../support/errors.ts";
import { moduleUrl } from "../../support/module-url.ts";
import { startThread } from "../../support/threads/start-thread.ts";
import type { Provider } from "../onnx/operators.ts";
import { ExitGate } from "../runtime/node-exit-gate.ts";
import { keepTelemetryOff } from "../runtime/node-telemetry.ts";
import { Engine, type EngineOptions, engineSetup } from "./engine.ts";
import type { StartEngineThread } from "./protocol.ts";
import type { EngineSetup } from "./setup.ts";

/** Whose tensors ONNX Runtime's binding for Node keeps on the device: of CUDA it gives them back to the host. */
const keeps: ReadonlySet<Provider> = new Set(["webgpu"]);

/** What the engine's thread is given at its start. */
export interface EngineThreadData {
  setup: EngineSetup;
  /** The memory of the ExitGate that its calls of ONNX Runtime pass. */
  gate: SharedArrayBuffer;
}

/**
 * Opens an engine in a thread of its own and waits until it can run graphs. It keeps the process alive until it is
 * closed.
 *
 * @throws MsmaeError Config for settings out of range; Device where ONNX Runtime or the thread does not start.
 */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  keepTelemetryOff();
  return Engine.start(engineSetup(options, { usual: "cpu", keeps }), startNodeThread);
}

const startNodeThread: StartEngineThread = (setup, onReply, onEnd) => {
  const gate = new ExitGate();
  const workerData: EngineThreadData = { setup, gate: gate.memory };
  const worker = startThread(moduleUrl("./node-engine-worker", import.meta.url), workerData);
  worker.on("message", onReply);
  worker.on("error", (error) => onEnd(messageOf(error)));
  worker.on("exit", (code) => {
    gate.remove();
    onEnd(`exit code ${code}`);
  });
  return { send: (request, moved) => worker.postMessage(request, moved), terminate: () => worker.terminate() };
};
