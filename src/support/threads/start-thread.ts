import { Worker } from "node:worker_threads";
import { limitMet } from "../machine-limits.ts";

/** Starts a worker thread. @throws MsmaeError Device where a limit of the machine allows no further one. */
export function startThread(module: URL, workerData: unknown): Worker {
  try {
    return new Worker(module, { workerData });
  } catch (cause) {
    throw limitMet("threads", "one more to be started", cause) ?? cause;
  }
}
