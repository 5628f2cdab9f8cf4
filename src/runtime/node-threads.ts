import { Worker } from "node:worker_threads";
import { messageOf } from "../errors.ts";
import type { HelperThread } from "./threads.ts";

const ENTRY = new URL(
  import.meta.url.endsWith(".ts") ? "./node-thread-entry.ts" : "./node-thread-entry.js",
  import.meta.url,
);

/** A {@link SpawnThread} on node:worker_threads, also from inside a worker. The thread never keeps the process alive. */
export function spawnNodeThread(module: URL, data: unknown, onEnd: (reason: string) => void): HelperThread {
  const worker = new Worker(ENTRY, { workerData: { module: module.href, data } });
  let reason = "";
  worker.on("error", (error) => {
    reason = messageOf(error);
  });
  worker.on("exit", (code) => onEnd(reason || `exit code ${code}`));
  worker.unref();
  return { terminate: () => void worker.terminate() };
}
