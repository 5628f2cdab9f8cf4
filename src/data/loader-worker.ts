import { parentPort, workerData } from "node:worker_threads";
import sharp from "sharp";
import type { ReadReport, ReadTask } from "./sample-reader.ts";
import { IDLE, type ReaderSetup, SampleReader } from "./sample-reader.ts";

/** A task under the number that its report will carry. */
export interface TaskMessage {
  id: number;
  task: ReadTask;
}

export interface ReportMessage {
  id: number;
  report: ReadReport;
}

export interface WorkerSetup {
  reader: ReaderSetup;
  /** int32 [2]: the position of the item being read in its task, or {@link IDLE}, and the task's number. */
  position: SharedArrayBuffer;
}

// The loader's threads are the parallelism; libvips' own would compete with the training step.
sharp.concurrency(1);
const { reader: readerSetup, position: shared } = workerData as WorkerSetup;
const position = new Int32Array(shared);
const reader = new SampleReader(readerSetup);

// Tasks wait here, so that the next one begins without asking a main thread that may be busy.
let tail: Promise<void> = Promise.resolve();
parentPort?.on("message", ({ id, task }: TaskMessage) => {
  tail = tail.then(async () => {
    Atomics.store(position, 1, id);
    const report = await reader.run(task, (at) => Atomics.store(position, 0, at));
    Atomics.store(position, 0, IDLE);
    parentPort?.postMessage({ id, report } satisfies ReportMessage);
  });
});
