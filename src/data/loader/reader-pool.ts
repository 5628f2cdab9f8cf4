import { MsmaeError } from "../../support/errors.ts";
import { limitAdvice } from "../../support/machine-limits.ts";
import { moduleUrl } from "../../support/module-url.ts";
import { endOfThread, IDLE, type ThreadDeath, WatchedThread } from "../../support/threads/watched-thread.ts";
import { type ReaderSetup, type ReadOutcome, type ReadReport, type ReadTask, SampleReader } from "./sample-reader.ts";

/** Runs tasks in the order they are given, several at a time. */
export interface ReaderPool {
  /** A task whose `isCancelled` says yes before it starts is dropped, and its promise never settles. */
  run(task: ReadTask, isCancelled: () => boolean): Promise<ReadReport>;
  close(): Promise<void>;
}

interface Job {
  task: ReadTask;
  isCancelled: () => boolean;
  resolve: (report: ReadReport) => void;
  reject: (error: Error) => void;
  /** Positions in the task still to be read. */
  open: number[];
  outcomes: ReadOutcome[];
}

/** Reads in this thread, where nothing stops a file that never ends; decoding still happens in libvips' threads. */
export class InlinePool implements ReaderPool {
  readonly #reader: SampleReader;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(setup: ReaderSetup) {
    this.#reader = new SampleReader(setup);
  }

  run(task: ReadTask, isCancelled: () => boolean): Promise<ReadReport> {
    return new Promise<ReadReport>((resolve, reject) => {
      const start = async () => {
        if (isCancelled()) return;
        await this.#reader.run(task).then(resolve, reject);
      };
      this.#tail = this.#tail.then(start);
    });
  }

  async close(): Promise<void> {
    await this.#tail;
  }
}

// Tasks given to a thread ahead: a main thread that is busy with a batch does not keep it waiting.
const AHEAD = 4;

// A thread that ends before its first item fails for another reason than the item; so will the next one.
const DEATHS_WITHOUT_ITEM = 3;

/**
 * Reads in worker threads. A file that ends its thread, or takes too long, counts as unreadable: the thread is
 * replaced and reads on.
 */
export class WorkerPool implements ReaderPool {
  readonly #threads: WatchedThread<ReaderSetup, ReadTask, ReadReport>[];
  /** Jobs given to each thread, by the numbers of their tasks. */
  readonly #running: Map<number, Job>[];
  #waiting: Job[] = [];
  #idleDeaths = 0;
  #failure: Error | undefined;

  constructor(setup: ReaderSetup, count: number, itemSeconds: number) {
    const module = moduleUrl("./reader-worker", import.meta.url);
    this.#running = Array.from({ length: count }, () => new Map());
    this.#threads = this.#running.map((_, at) => {
      const onDeath = (death: ThreadDeath) => this.#lose(at, death);
      return new WatchedThread({ module, setup, stepSeconds: itemSeconds, onDeath });
    });
  }

  run(task: ReadTask, isCancelled: () => boolean): Promise<ReadReport> {
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      const open = task.items.map((_, at) => at);
      this.#waiting.push({ task, isCancelled, resolve, reject, open, outcomes: new Array(open.length) });
      this.#dispatch();
    });
  }

  async close(): Promise<void> {
    this.#fail("a closed loader");
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }

  #dispatch(): void {
    for (;;) {
      const at = this.#leastBusy();
      const thread = this.#threads[at];
      if (!thread) return;
      this.#waiting = this.#waiting.filter((job) => !job.isCancelled());
      const job = this.#waiting.shift();
      if (!job) return;
      const items = job.open.map((position) => job.task.items[position] as ReadTask["items"][number]);
      const onResult = (report: ReadReport) => this.#finish(at, id, job, report);
      const id = thread.start({ ...job.task, items }, { onResult });
      this.#running[at]?.set(id, job);
    }
  }

  /** The thread with the fewest tasks, or -1 where all have enough. */
  #leastBusy(): number {
    let best = -1;
    let least = AHEAD;
    for (const [at, thread] of this.#threads.entries()) {
      if (thread.load < least) [best, least] = [at, thread.load];
    }
    return best;
  }

  #finish(at: number, id: number, job: Job, report: ReadReport): void {
    this.#running[at]?.delete(id);
    this.#idleDeaths = 0;
    for (const [k, outcome] of report.items.entries()) job.outcomes[job.open[k] as number] = outcome;
    job.resolve({ ...report, items: job.outcomes });
    this.#dispatch();
  }

  #lose(at: number, { step, task, reason }: ThreadDeath): void {
    if (this.#failure) return;
    if (step === IDLE && ++this.#idleDeaths >= DEATHS_WITHOUT_ITEM) {
      this.#fail(reason);
      return;
    }
    const jobs = [...(this.#running[at] as Map<number, Job>)];
    this.#running[at] = new Map();
    // From the last to the first, so that they stand in the queue in their order.
    for (const [id, job] of jobs.reverse()) {
      if (id === task) this.#goOnWithout(job, step, reason);
      else this.#waiting.unshift(job);
    }
    this.#dispatch();
  }

  /** Puts a job back in the queue, without the item that ended its thread. What was read before it is read again. */
  #goOnWithout(job: Job, position: number, reason: string): void {
    if (position !== IDLE) {
      const [culprit] = job.open.splice(position, 1) as [number];
      const { path } = job.task.items[culprit] as ReadTask["items"][number];
      const error = endOfThread(path, reason);
      job.outcomes[culprit] = { unreadable: error.message, code: error.code };
    }
    if (job.open.length > 0) this.#waiting.unshift(job);
    else job.resolve({ items: job.outcomes, decoded: 0, cacheHits: 0, decodeMs: 0, resizeMs: 0 });
  }

  #fail(got: string): void {
    if (this.#failure) return;
    const advice = limitAdvice(got);
    const todo = advice ?? "read the cause, or set workers to 0 to load in the main thread";
    const parts = { where: "data loading thread", expected: "to run until the loader is closed", got, todo };
    this.#failure = new MsmaeError(advice === undefined ? "Data" : "Device", parts);
    for (const jobs of this.#running) {
      for (const job of jobs.values()) job.reject(this.#failure);
      jobs.clear();
    }
    for (const job of this.#waiting) job.reject(this.#failure);
    this.#waiting = [];
  }
}
