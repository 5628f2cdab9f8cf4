import { Worker } from "node:worker_threads";
import { endOfThread } from "../data/reader-thread.ts";
import type { ReadingOptions } from "../data/sample-reader.ts";
import { MsmaeError, messageOf } from "../errors.ts";
import { type FileOutcome, type FileTask, type PictureOutcome, scanFile, unreadable } from "./scan-file.ts";
import type { ScanMessage } from "./scan-worker.ts";

/** Hears what is found in the files, in no particular order. */
export interface ScanListener {
  onPicture(task: number, at: number, outcome: PictureOutcome): void;
  onFile(task: number, outcome: FileOutcome): void;
}

/** How the files are shared out. */
export interface ScanPoolOptions {
  /** Threads; 0 looks at the files in this thread, where nothing stops one that never ends. */
  workers: number;
  /** Longest time for one picture, in seconds. */
  itemSeconds: number;
  signal: AbortSignal | undefined;
}

/**
 * Looks at all files. One that ends its thread or takes too long counts as unreadable: the thread is replaced.
 *
 * @throws MsmaeError Interrupted by the signal.
 */
export async function scanFiles(
  tasks: readonly FileTask[],
  reading: ReadingOptions,
  listener: ScanListener,
  { workers, itemSeconds, signal }: ScanPoolOptions,
): Promise<void> {
  let next = 0;
  const draw = (): number | undefined => {
    if (signal?.aborted) throw interrupted();
    return next < tasks.length ? next++ : undefined;
  };
  if (workers === 0) {
    for (let at = draw(); at !== undefined; at = draw()) {
      const own = at;
      const task = tasks[own] as FileTask;
      listener.onFile(own, await scanFile(task, reading, (item, outcome) => listener.onPicture(own, item, outcome)));
    }
    return;
  }
  const lanes = Array.from({ length: Math.min(workers, tasks.length) }, async () => {
    let thread: ScanThread | undefined;
    try {
      for (let at = draw(); at !== undefined; at = draw()) {
        thread ??= new ScanThread(reading, itemSeconds);
        const alive = await thread.run(at, tasks[at] as FileTask, listener);
        if (!alive) thread = undefined;
      }
    } finally {
      await thread?.close();
    }
  });
  const failed = (await Promise.allSettled(lanes)).find((lane) => lane.status === "rejected");
  if (failed) throw failed.reason;
}

/** The file that a thread is looking at. */
interface Job {
  onMessage(message: ScanMessage): void;
  onDeath(reason: string): void;
}

class ScanThread {
  readonly #worker: Worker;
  readonly #itemSeconds: number;
  #job: Job | undefined;

  constructor(reading: ReadingOptions, itemSeconds: number) {
    const file = import.meta.url.endsWith(".ts") ? "./scan-worker.ts" : "./scan-worker.js";
    this.#worker = new Worker(new URL(file, import.meta.url), { workerData: reading });
    this.#itemSeconds = itemSeconds;
    this.#worker.on("message", (message: ScanMessage) => this.#job?.onMessage(message));
    this.#worker.on("error", (error) => this.#job?.onDeath(messageOf(error)));
    this.#worker.on("exit", (code) => this.#job?.onDeath(`exit code ${code}`));
  }

  /** @returns whether the thread is still there. */
  run(number: number, task: FileTask, listener: ScanListener): Promise<boolean> {
    return new Promise((resolve) => {
      const open = new Set(task.items.keys());
      const finish = (alive: boolean): void => {
        clearTimeout(watch);
        this.#job = undefined;
        resolve(alive);
      };
      const onDeath = (reason: string): void => {
        for (const at of open) listener.onPicture(number, at, unreadable(endOfThread(task.path, reason)));
        listener.onFile(number, { format: "unknown", bytes: 0, identifying: [] });
        finish(false);
        // A thread that waits for the system, not for itself, ends only when that does: nobody waits for it here.
        this.#worker.terminate();
      };
      const onMessage = (message: ScanMessage): void => {
        watch.refresh();
        if ("file" in message) {
          listener.onFile(number, message.file);
          finish(true);
        } else if (open.delete(message.at)) listener.onPicture(number, message.at, message.picture);
      };
      const watch = setTimeout(() => onDeath(`no end after ${this.#itemSeconds} s`), this.#itemSeconds * 1000);
      this.#job = { onMessage, onDeath };
      this.#worker.postMessage(task);
    });
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}

export function interrupted(): MsmaeError {
  const parts = { where: "data check", expected: "to look at all images", got: "an abort signal", todo: "run again" };
  return new MsmaeError("Interrupted", parts);
}
