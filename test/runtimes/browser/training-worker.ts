// Runs in Chromium, in a worker: trains and tells what really ran.

import type { SpawnThread } from "../../../src/engine/runtime/threads.ts";
import { messageOf } from "../../../src/support/errors.ts";
import { spawnWebThread, webBackend } from "../../../src/web.ts";
import { fineTune, type Trained } from "./scenario.ts";

/** What the page asks for. */
export interface Request {
  provider: "wasm" | "webgpu";
  /** The provider that the graph is written for, the same unless told otherwise. */
  compileFor?: "wasm";
  threads: number;
  /** A module for the helper threads instead of the optimiser's own. */
  helperModule?: string;
}

export interface Reply {
  trained: Trained;
  crossOriginIsolated: boolean;
  /** Workers that were started, by what they are for. */
  ortThreads: number;
  optimizerThreads: number;
  /** Compute dispatches sent to the GPU. */
  dispatches: number;
  /** The GPU's adapter as ONNX Runtime holds it; absent without one. */
  adapter?: string;
}

const names: string[] = [];
const PlainWorker = globalThis.Worker;
globalThis.Worker = class extends PlainWorker {
  constructor(url: string | URL, options?: WorkerOptions) {
    super(url, options);
    names.push(options?.name ?? String(url));
  }
};

let dispatches = 0;
const passes = (globalThis as { GPUComputePassEncoder?: { prototype: Record<string, unknown> } }).GPUComputePassEncoder;
for (const method of ["dispatchWorkgroups", "dispatchWorkgroupsIndirect"]) {
  const dispatch = passes?.prototype[method] as ((...counts: unknown[]) => void) | undefined;
  if (!passes || !dispatch) continue;
  passes.prototype[method] = function (...counts: unknown[]) {
    dispatches++;
    dispatch.apply(this, counts);
  };
}

addEventListener("message", ({ data }: MessageEvent<Request>) => {
  train(data).then(postMessage, (error: unknown) => postMessage({ error: messageOf(error) }));
});

async function train({ provider, compileFor, threads, helperModule }: Request): Promise<Reply> {
  const spawn: SpawnThread = (module, data, onEnd) =>
    spawnWebThread(helperModule ? new URL(helperModule, location.href) : module, data, onEnd);
  const trained = await fineTune({ backend: webBackend, provider, compileFor, threads, spawn });
  const device = provider === "webgpu" ? await (await import("onnxruntime-web/webgpu")).env.webgpu.device : undefined;
  const { vendor, architecture, description } = (device as { adapterInfo?: Record<string, string> })?.adapterInfo ?? {};
  return {
    trained,
    crossOriginIsolated: globalThis.crossOriginIsolated,
    ortThreads: 1 + names.filter((name) => name.startsWith("em-pthread")).length,
    optimizerThreads: 1 + names.filter((name) => name.endsWith("/web-thread-entry.js")).length,
    dispatches,
    adapter: device ? [vendor, architecture, description].join(" ") : undefined,
  };
}
