import { Worker } from "node:worker_threads";
import { limitMet } from "../machine-limits.ts";

/** Starts a worker thread. @throws MsmaeError Device where a limit of the machine allows no further one. */
export function startThread(module: URL, workerData: unknown): Worker {
  // Threads inherit the flags of their process, and refuse this one, which is for code given on the command line.
  const execArgv = process.execArgv.filter((flag) => !flag.startsWith("--input-type"));
  try {
    return new Worker(module, { workerData, execArgv });
  } catch (cause) {
    throw limitMet("threads", "one more to be started", cause) ?? cause;
  }
}
