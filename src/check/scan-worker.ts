import { parentPort, workerData } from "node:worker_threads";
import sharp from "sharp";
import type { ReadingOptions } from "../data/sample-reader.ts";
import { type FileOutcome, type FileTask, type PictureOutcome, scanFile } from "./scan-file.ts";

/** What a thread tells while it looks at a file: each picture, then the file. */
export type ScanMessage = { at: number; picture: PictureOutcome } | { file: FileOutcome };

// The threads are the parallelism.
sharp.concurrency(1);
const reading = workerData as ReadingOptions;

parentPort?.on("message", async (task: FileTask) => {
  const tell = (message: ScanMessage) => parentPort?.postMessage(message);
  tell({ file: await scanFile(task, reading, (at, picture) => tell({ at, picture })) });
});
