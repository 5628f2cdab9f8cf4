import { moduleUrl } from "../../support/module-url.ts";
import type { HelperThread } from "./threads.ts";

const ENTRY = moduleUrl("./web-thread-entry", import.meta.url);

/**
 * A {@link SpawnThread} on module workers of a browser. The thread that waits for its helpers must itself be a worker:
 * browsers let no page wait. Pages that bundle this package serve `web-thread-entry.js` and `optimizer-worker.js`
 * beside the bundle.
 */
export function spawnWebThread(module: URL, data: unknown, onEnd: (reason: string) => void): HelperThread {
  const worker = new Worker(ENTRY, { type: "module" });
  let ended = false;
  const end = (reason: string) => {
    worker.terminate();
    if (!ended) onEnd(reason);
    ended = true;
  };
  worker.addEventListener("message", ({ data: reason }: MessageEvent<string>) => end(reason));
  worker.addEventListener("error", ({ message }) => end(message || `${ENTRY.pathname} did not load`));
  worker.postMessage({ module: module.href, data });
  return { terminate: () => end("terminated") };
}
