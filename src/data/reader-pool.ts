import { Worker } from "node:worker_threads";
import { MsmaeError, messageOf } from "../errors.ts";
import type { ReportMessage, TaskMessage } from "./loader-worker.ts";
import { type ReaderSetup, type ReadReport, type ReadTask, SampleReader } from "./sample-reader.ts";

/** Runs tasks in the order they are given, several at a time. */
export interface ReaderPool {
  /** How many tasks can run at the same time. */
  readonly width: number;
  /** A task whose `isCancelled` says yes before it starts is dropped, and its promise never settles. */
  run(task: ReadTask, isCancelled: () => boolean): Promise<ReadReport>;
  close(): Promise<void>;
}

interface Job {
  id: number;
  task: ReadTask;
  isCancelled: () => boolean;
  resolve: (report: ReadReport) => void;
  reject: (error: Error) => void;
}

/** Reads in this thread; decoding still happens in libvips' threads. */
export class InlinePool implements ReaderPool {
  readonly width = 1;
  readonly #reader: SampleReader;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(setup: ReaderSetup) {
    this.#reader = new SampleReader(setup);
  }

  run(task: ReadTask, isCancelled: () => boolean): Promise<ReadReport> {
    const report = new Promise<ReadReport>((resolve, reject) => {
      const start = async () => {
        if (isCancelled()) return;
        await this.#reader.run(task).then(resolve, reject);
      };
      this.#tail = this.#tail.then(start);
    });
    return report;
  }

  async close(): Promise<void> {
    await this.#tail;
  }
}

/** Reads in worker threads. They keep the process alive only while tasks run. */
export class WorkerPool implements ReaderPool {
  readonly width: number;
  readonly #workers: Worker[];
  readonly #running = new Map<Worker, Job>();
  #waiting: Job[] = [];
  #nextId = 0;
  #failure: Error | undefined;

  constructor(setup: ReaderSetup, count: number) {
    this.width = count;
    const file = import.meta.url.endsWith(".ts") ? "./loader-worker.ts" : "./loader-worker.js";
    this.#workers = Array.from({ length: count }, () => {
      const worker = new Worker(new URL(file, import.meta.url), { workerData: setup });
      worker.on("message", (message: ReportMessage) => this.#finish(worker, message));
      worker.on("error", (error) => this.#fail(messageOf(error), error));
      worker.on("exit", (code) => this.#fail(`exit code ${code}`));
      worker.unref();
      return worker;
    });
  }

  run(task: ReadTask, isCancelled: () => boolean): Promise<ReadReport> {
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ id: this.#nextId++, task, isCancelled, resolve, reject });
      this.#dispatch();
    });
  }

  async close(): Promise<void> {
    this.#fail("a closed loader");
    // Idle threads do not keep the process alive; while they are being ended they must, or who awaits this never goes on.
    for (const worker of this.#workers) worker.ref();
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  #dispatch(): void {
    for (const worker of this.#workers) {
      if (this.#running.has(worker)) continue;
      const job = this.#nextJob();
      if (!job) return;
      this.#running.set(worker, job);
      worker.ref();
      worker.postMessage({ id: job.id, task: job.task } satisfies TaskMessage);
    }
  }

  #nextJob(): Job | undefined {
    this.#waiting = this.#waiting.filter((job) => !job.isCancelled());
    return this.#waiting.shift();
  }

  #finish(worker: Worker, { id, report }: ReportMessage): void {
    const job = this.#running.get(worker);
    this.#running.delete(worker);
    worker.unref();
    if (job?.id === id) job.resolve(report);
    this.#dispatch();
  }

  // One dead worker ends them all: a batch with a hole could never be delivered.
  #fail(got: string, cause?: unknown): void {
    if (this.#failure) return;
    const todo = "read the cause, or set workers to 0 to load in the main thread";
    const parts = { where: "data loading thread", expected: "to run until the loader is closed", got, todo };
    this.#failure = new MsmaeError("Data", parts, { cause });
    for (const job of [...this.#running.values(), ...this.#waiting]) job.reject(this.#failure);
    this.#running.clear();
    this.#waiting = [];
    for (const worker of this.#workers) worker.unref();
  }
}
