import { parentPort, workerData } from "node:worker_threads";
import sharp from "sharp";
import type { ReadReport, ReadTask } from "./sample-reader.ts";
import { type ReaderSetup, SampleReader } from "./sample-reader.ts";

/** A task under the number that its report will carry. */
export interface TaskMessage {
  id: number;
  task: ReadTask;
}

export interface ReportMessage {
  id: number;
  report: ReadReport;
}

// The loader's threads are the parallelism; libvips' own would compete with the training step.
sharp.concurrency(1);
const reader = new SampleReader(workerData as ReaderSetup);

parentPort?.on("message", async ({ id, task }: TaskMessage) => {
  const report = await reader.run(task);
  parentPort?.postMessage({ id, report } satisfies ReportMessage);
});
