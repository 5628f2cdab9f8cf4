import type { Worker } from "node:worker_threads";
import { MsmaeError, messageOf } from "../errors.ts";
import { limitMet } from "../machine-limits.ts";
import { startThread } from "./start-thread.ts";

/** In place of a step: the thread is between two tasks. */
export const IDLE = -1;

/** What a thread is started with. */
export interface ThreadData<Setup> {
  setup: Setup;
  /** int32 [2]: the step that the thread is at in its task, or {@link IDLE}, and the task's number. */
  progress: SharedArrayBuffer;
}

/** A task under the number that its answers carry. */
export interface TaskMessage<Task> {
  id: number;
  task: Task;
}

/** What a thread tells of a task: parts as they are done, then the result, with which the task ends. */
export type AnswerMessage<Result, Part> = { id: number } & ({ part: Part } | { result: Result });

/** How a thread ended on its own: at which step of which task, or {@link IDLE}, and why. */
export interface ThreadDeath {
  step: number;
  task: number;
  reason: string;
}

export interface WatchedThreadOptions<Setup> {
  /** The module to run, which calls `serveTasks`. */
  module: URL;
  setup: Setup;
  /** Longest time for one step of a task, in seconds. */
  stepSeconds: number;
  /** Called when the thread ends, unless `close` ended it. Its tasks are lost; the next one starts it anew. */
  onDeath: (death: ThreadDeath) => void;
}

/** Hears the answers to one task. */
export interface TaskListener<Result, Part> {
  onPart?(part: Part): void;
  onResult(result: Result): void;
}

const WATCH_MS = 250;

/** Longest time for one picture where nobody says otherwise, in seconds. */
export const ITEM_SECONDS = 60;

/** What is said of a file whose decoding ended its thread, or for which none could be started. */
export function endOfThread(where: string, reason: string): MsmaeError {
  const met = limitMet(where, "a thread to decode it", reason);
  if (met) return met;
  const got = `the end of the decoding thread (${reason})`;
  const todo = "repair or remove the file";
  return new MsmaeError("Data", { where, expected: "an image that can be decoded", got, todo });
}

/**
 * A worker thread for work that may end it or never end: tasks are done in the order they are given, a step that takes
 * too long ends the thread, and one that has ended is replaced with the next task. It keeps the process alive only while
 * it works.
 */
export class WatchedThread<Setup, Task, Result, Part = never> {
  readonly #options: WatchedThreadOptions<Setup>;
  readonly #pending = new Map<number, TaskListener<Result, Part>>();
  #worker: Worker | undefined;
  #progress = new Int32Array(new SharedArrayBuffer(8));
  #lastTask = 0;
  #watch: NodeJS.Timeout | undefined;

  constructor(options: WatchedThreadOptions<Setup>) {
    this.#options = options;
    this.#worker = this.#spawn();
  }

  /** Tasks given and not yet done. */
  get load(): number {
    return this.#pending.size;
  }

  /** Gives the thread a task, and tells its number. */
  start(task: Task, listener: TaskListener<Result, Part>): number {
    const id = ++this.#lastTask;
    this.#worker ??= this.#spawn();
    if (this.#pending.size === 0) {
      this.#worker.ref();
      this.#watchProgress();
    }
    this.#pending.set(id, listener);
    this.#worker.postMessage({ id, task } satisfies TaskMessage<Task>);
    return id;
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    this.#letGo();
    // An idle thread does not keep the process alive; while it is being ended it must, or who awaits this never goes on.
    worker?.ref();
    await worker?.terminate();
  }

  #spawn(): Worker {
    const progress = new SharedArrayBuffer(8);
    this.#progress = new Int32Array(progress).fill(IDLE);
    const { module, setup } = this.#options;
    const worker = startThread(module, { setup, progress } satisfies ThreadData<Setup>);
    let reason: string | undefined;
    worker.on("message", (message: AnswerMessage<Result, Part>) => this.#hear(worker, message));
    worker.on("error", (error) => {
      reason ??= messageOf(error);
    });
    worker.on("exit", (code) => this.#die(worker, reason ?? `exit code ${code}`));
    worker.unref();
    return worker;
  }

  #hear(worker: Worker, message: AnswerMessage<Result, Part>): void {
    // An answer that comes while the thread is being ended must not let go of the process that waits for the end.
    if (worker !== this.#worker) return;
    const listener = this.#pending.get(message.id);
    if ("part" in message) {
      listener?.onPart?.(message.part);
      return;
    }
    this.#pending.delete(message.id);
    if (this.#pending.size === 0) this.#rest();
    listener?.onResult(message.result);
  }

  #rest(): void {
    clearInterval(this.#watch);
    this.#worker?.unref();
  }

  #letGo(): void {
    this.#pending.clear();
    this.#rest();
    this.#worker = undefined;
  }

  #die(worker: Worker, reason: string): void {
    if (worker !== this.#worker) return;
    this.#letGo();
    const [step, task] = [Atomics.load(this.#progress, 0), Atomics.load(this.#progress, 1)];
    this.#options.onDeath({ step, task, reason });
  }

  #watchProgress(): void {
    const { stepSeconds } = this.#options;
    const worker = this.#worker as Worker;
    const progress = this.#progress;
    let seen = "";
    let since = performance.now();
    this.#watch = setInterval(() => {
      const now = progress.join();
      if (Atomics.load(progress, 0) === IDLE || now !== seen) {
        seen = now;
        since = performance.now();
      } else if (performance.now() - since > stepSeconds * 1000) {
        // A thread that waits for the system, not for itself, ends only when that does: nobody waits for it here.
        worker.terminate();
        this.#die(worker, `no end of decoding after ${stepSeconds} s`);
      }
    }, WATCH_MS);
    this.#watch.unref();
  }
}
