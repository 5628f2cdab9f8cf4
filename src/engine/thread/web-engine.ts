import { MsmaeError } from "../../support/errors.ts";
import { moduleUrl } from "../../support/module-url.ts";
import { Engine, type EngineOptions, engineSetup } from "./engine.ts";
import type { EngineReply, StartEngineThread } from "./protocol.ts";

const WORKER = moduleUrl("./web-engine-worker", import.meta.url);

/**
 * Opens an engine in a worker of its own and waits until it can run graphs. Pages that bundle this package serve
 * `web-engine-worker.js`, `web-thread-entry.js` and `optimizer-worker.js` beside the bundle (docs/engine.md).
 *
 * @throws MsmaeError Config for settings out of range; Device where the page is not cross-origin isolated, or where
 * ONNX Runtime or the worker does not start.
 */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  if (!crossOriginIsolated) {
    throw new MsmaeError("Device", {
      where: "page",
      expected: "one that is cross-origin isolated, which memory shared with a worker needs",
      got: "one that is not",
      todo: "serve it with cross-origin-opener-policy: same-origin and cross-origin-embedder-policy: require-corp",
    });
  }
  return Engine.start(engineSetup(options, { usual: "wasm", keeps: new Set() }), startWebThread);
}

const startWebThread: StartEngineThread = (setup, onReply, onEnd) => {
  const worker = new Worker(WORKER, { type: "module" });
  worker.addEventListener("message", ({ data }: MessageEvent<EngineReply>) => onReply(data));
  worker.addEventListener("error", ({ message }) => onEnd(message || `${WORKER.pathname} did not load`));
  worker.postMessage(setup);
  return { send: (request, moved) => worker.postMessage(request, moved), terminate: () => worker.terminate() };
};
