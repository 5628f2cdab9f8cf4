import { messageOf } from "../../support/errors.ts";
import { moduleUrl } from "../../support/module-url.ts";
import { startThread } from "../../support/threads/start-thread.ts";
import type { HelperThread } from "./threads.ts";

const ENTRY = moduleUrl("./node-thread-entry", import.meta.url);

/** A {@link SpawnThread} on node:worker_threads, also from inside a worker. The thread never keeps the process alive. */
export function spawnNodeThread(module: URL, data: unknown, onEnd: (reason: string) => void): HelperThread {
  const worker = startThread(ENTRY, { module: module.href, data });
  let reason = "";
  worker.on("error", (error) => {
    reason = messageOf(error);
  });
  worker.on("exit", (code) => onEnd(reason || `exit code ${code}`));
  worker.unref();
  return { terminate: () => void worker.terminate() };
}
