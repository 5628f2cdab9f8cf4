import { Worker } from "node:worker_threads";
import { MsmaeError, messageOf } from "../errors.ts";
import type { ReportMessage, TaskMessage, WorkerSetup } from "./loader-worker.ts";
import { IDLE, type ReaderSetup, type ReadReport, type ReadTask } from "./sample-reader.ts";

/** How a thread ended on its own: at which item of which task, or {@link IDLE}, and why. */
export interface ThreadDeath {
  position: number;
  task: number;
  reason: string;
}

const WATCH_MS = 250;

/** What is said of a file whose decoding ended its thread. */
export function endOfThread(where: string, reason: string): MsmaeError {
  const got = `the end of the decoding thread (${reason})`;
  const todo = "repair or remove the file";
  return new MsmaeError("Data", { where, expected: "an image that can be decoded", got, todo });
}

/** A worker thread that reads the tasks given to it in turn, and is ended when an item takes too long. */
export class ReaderThread {
  readonly #worker: Worker;
  readonly #position: Int32Array;
  readonly #itemSeconds: number;
  readonly #pending = new Map<number, (report: ReadReport) => void>();
  #lastTask = 0;
  #watch: NodeJS.Timeout | undefined;
  #reason: string | undefined;
  #onDeath: ((death: ThreadDeath) => void) | undefined;

  /** @param onDeath is called once when the thread ends, unless {@link close} ended it. */
  constructor(setup: ReaderSetup, itemSeconds: number, onDeath: (death: ThreadDeath) => void) {
    this.#itemSeconds = itemSeconds;
    this.#onDeath = onDeath;
    const position = new SharedArrayBuffer(8);
    this.#position = new Int32Array(position).fill(IDLE);
    const file = import.meta.url.endsWith(".ts") ? "./loader-worker.ts" : "./loader-worker.js";
    const workerData: WorkerSetup = { reader: setup, position };
    this.#worker = new Worker(new URL(file, import.meta.url), { workerData });
    this.#worker.on("message", ({ id, report }: ReportMessage) => {
      const onReport = this.#pending.get(id);
      // A report that comes while the thread is being ended must not let go of the process that waits for the end.
      if (!onReport) return;
      this.#pending.delete(id);
      if (this.#pending.size === 0) this.#rest();
      onReport(report);
    });
    this.#worker.on("error", (error) => {
      this.#reason ??= messageOf(error);
    });
    this.#worker.on("exit", (code) => this.#die(this.#reason ?? `exit code ${code}`));
    this.#worker.unref();
  }

  /** Tasks given and not yet done. */
  get load(): number {
    return this.#pending.size;
  }

  /** Gives the thread a task, and tells its number. The thread keeps the process alive only while it works. */
  start(task: ReadTask, onReport: (report: ReadReport) => void): number {
    const id = ++this.#lastTask;
    if (this.#pending.size === 0) {
      this.#worker.ref();
      this.#watchProgress();
    }
    this.#pending.set(id, onReport);
    this.#worker.postMessage({ id, task } satisfies TaskMessage);
    return id;
  }

  async close(): Promise<void> {
    this.#pending.clear();
    this.#rest();
    this.#onDeath = undefined;
    // An idle thread does not keep the process alive; while it is being ended it must, or who awaits this never goes on.
    this.#worker.ref();
    await this.#worker.terminate();
  }

  #rest(): void {
    clearInterval(this.#watch);
    this.#worker.unref();
  }

  #die(reason: string): void {
    this.#pending.clear();
    this.#rest();
    const onDeath = this.#onDeath;
    this.#onDeath = undefined;
    onDeath?.({ position: Atomics.load(this.#position, 0), task: Atomics.load(this.#position, 1), reason });
  }

  #watchProgress(): void {
    let seen = "";
    let since = performance.now();
    this.#watch = setInterval(() => {
      const now = this.#position.join();
      if (Atomics.load(this.#position, 0) === IDLE || now !== seen) {
        seen = now;
        since = performance.now();
      } else if (performance.now() - since > this.#itemSeconds * 1000) {
        // A thread that waits for the system, not for itself, ends only when that does: nobody waits for it here.
        this.#worker.terminate();
        this.#die(`no end of decoding after ${this.#itemSeconds} s`);
      }
    }, WATCH_MS);
    this.#watch.unref();
  }
}
