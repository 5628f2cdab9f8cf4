import { Worker } from "node:worker_threads";
import { messageOf } from "../errors.ts";
import type { ReportMessage, TaskMessage, WorkerSetup } from "./loader-worker.ts";
import { IDLE, type ReaderSetup, type ReadReport, type ReadTask } from "./sample-reader.ts";

/** How a thread ended on its own: at which item of its task, or {@link IDLE}, and why. */
export interface ThreadDeath {
  position: number;
  reason: string;
}

const WATCH_MS = 250;

/** A worker thread that reads one task at a time, and is ended when an item takes too long. */
export class ReaderThread {
  readonly #worker: Worker;
  readonly #position: Int32Array;
  readonly #itemSeconds: number;
  #taskId = 0;
  #onReport: ((report: ReadReport) => void) | undefined;
  #watch: NodeJS.Timeout | undefined;
  #reason: string | undefined;
  #onDeath: ((death: ThreadDeath) => void) | undefined;

  /** @param onDeath is called once when the thread ends, unless {@link close} ended it. */
  constructor(setup: ReaderSetup, itemSeconds: number, onDeath: (death: ThreadDeath) => void) {
    this.#itemSeconds = itemSeconds;
    this.#onDeath = onDeath;
    const position = new SharedArrayBuffer(4);
    this.#position = new Int32Array(position).fill(IDLE);
    const file = import.meta.url.endsWith(".ts") ? "./loader-worker.ts" : "./loader-worker.js";
    const workerData: WorkerSetup = { reader: setup, position };
    this.#worker = new Worker(new URL(file, import.meta.url), { workerData });
    this.#worker.on("message", ({ id, report }: ReportMessage) => {
      if (id === this.#taskId) this.#finish()?.(report);
    });
    this.#worker.on("error", (error) => {
      this.#reason ??= messageOf(error);
    });
    this.#worker.on("exit", (code) => this.#die(this.#reason ?? `exit code ${code}`));
    this.#worker.unref();
  }

  get busy(): boolean {
    return this.#onReport !== undefined;
  }

  /** Starts a task. The thread keeps the process alive only while it works. */
  start(task: ReadTask, onReport: (report: ReadReport) => void): void {
    this.#onReport = onReport;
    this.#worker.ref();
    this.#worker.postMessage({ id: ++this.#taskId, task } satisfies TaskMessage);
    this.#watchProgress();
  }

  async close(): Promise<void> {
    this.#finish();
    this.#onDeath = undefined;
    // An idle thread does not keep the process alive; while it is being ended it must, or who awaits this never goes on.
    this.#worker.ref();
    await this.#worker.terminate();
  }

  #finish(): ((report: ReadReport) => void) | undefined {
    clearInterval(this.#watch);
    this.#worker.unref();
    const onReport = this.#onReport;
    this.#onReport = undefined;
    return onReport;
  }

  #die(reason: string): void {
    this.#finish();
    const onDeath = this.#onDeath;
    this.#onDeath = undefined;
    onDeath?.({ position: Atomics.load(this.#position, 0), reason });
  }

  #watchProgress(): void {
    let seen = IDLE;
    let since = performance.now();
    this.#watch = setInterval(() => {
      const position = Atomics.load(this.#position, 0);
      if (position === IDLE || position !== seen) {
        seen = position;
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
