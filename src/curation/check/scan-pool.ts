import type { ReadingOptions } from "../../data/pictures/reading.ts";
import { MsmaeError } from "../../support/errors.ts";
import { moduleUrl } from "../../support/module-url.ts";
import { endOfThread, WatchedThread } from "../../support/threads/watched-thread.ts";
import { type FileOutcome, type FileTask, type PictureOutcome, scanFile, unreadable } from "./scan-file.ts";
import type { ScannedPicture } from "./scan-worker.ts";

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
    const lane = new ScanLane(reading, itemSeconds);
    try {
      for (let at = draw(); at !== undefined; at = draw()) await lane.scan(at, tasks[at] as FileTask, listener);
    } finally {
      await lane.close();
    }
  });
  const failed = (await Promise.allSettled(lanes)).find((lane) => lane.status === "rejected");
  if (failed) throw failed.reason;
}

/** A thread and the file that it is looking at. */
class ScanLane {
  readonly #thread: WatchedThread<ReadingOptions, FileTask, FileOutcome, ScannedPicture>;
  #onDeath: (reason: string) => void = () => undefined;

  constructor(setup: ReadingOptions, stepSeconds: number) {
    const module = moduleUrl("./scan-worker", import.meta.url);
    this.#thread = new WatchedThread({ module, setup, stepSeconds, onDeath: ({ reason }) => this.#onDeath(reason) });
  }

  scan(number: number, task: FileTask, listener: ScanListener): Promise<void> {
    return new Promise((resolve) => {
      const open = new Set(task.items.keys());
      const onPart = ({ at, outcome }: ScannedPicture): void => {
        if (open.delete(at)) listener.onPicture(number, at, outcome);
      };
      const onResult = (outcome: FileOutcome): void => {
        listener.onFile(number, outcome);
        resolve();
      };
      this.#onDeath = (reason) => {
        for (const at of open) listener.onPicture(number, at, unreadable(endOfThread(task.path, reason)));
        onResult({ format: "unknown", bytes: 0, identifying: [] });
      };
      this.#thread.start(task, { onPart, onResult });
    });
  }

  close(): Promise<void> {
    return this.#thread.close();
  }
}

export function interrupted(): MsmaeError {
  const parts = { where: "data check", expected: "to look at all images", got: "an abort signal", todo: "run again" };
  return new MsmaeError("Interrupted", parts);
}
