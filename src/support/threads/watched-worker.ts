import { parentPort, workerData } from "node:worker_threads";
import sharp from "sharp";
import { type AnswerMessage, IDLE, type TaskMessage, type ThreadData } from "./watched-thread.ts";

/** How a task tells that it gets on. */
export interface TaskHooks<Part> {
  /** A step begins; the time limit is one of steps. {@link IDLE}: what follows may take as long as it likes. */
  onStep(step: number): void;
  onPart(part: Part): void;
}

/**
 * Does the tasks that a `WatchedThread` sends to this thread, one after the other.
 *
 * @param prepare called once with the thread's setup; gives what does a task.
 */
export function serveTasks<Setup, Task, Result, Part = never>(
  prepare: (setup: Setup) => (task: Task, hooks: TaskHooks<Part>) => Promise<Result>,
): void {
  // These threads are the parallelism; libvips' own would compete with the training step.
  sharp.concurrency(1);
  const { setup, progress: memory } = workerData as ThreadData<Setup>;
  const progress = new Int32Array(memory);
  const perform = prepare(setup);
  const tell = (message: AnswerMessage<Result, Part>) => parentPort?.postMessage(message);
  const onStep = (step: number) => void Atomics.store(progress, 0, step);
  // Tasks wait here, so that the next one begins without asking a main thread that may be busy.
  let tail: Promise<void> = Promise.resolve();
  parentPort?.on("message", ({ id, task }: TaskMessage<Task>) => {
    tail = tail.then(async () => {
      Atomics.store(progress, 1, id);
      const result = await perform(task, { onStep, onPart: (part) => tell({ id, part }) });
      onStep(IDLE);
      tell({ id, result });
    });
  });
}
