import type { ReadingOptions } from "../../data/pictures/reading.ts";
import { serveTasks } from "../../support/threads/watched-worker.ts";
import { type FileOutcome, type FileTask, type PictureOutcome, scanFile } from "./scan-file.ts";

/** A picture of the file in hand, by its position among the task's items. */
export interface ScannedPicture {
  at: number;
  outcome: PictureOutcome;
}

serveTasks<ReadingOptions, FileTask, FileOutcome, ScannedPicture>((reading) => (task, { onStep, onPart }) => {
  onStep(0);
  return scanFile(task, reading, (at, outcome) => {
    onPart({ at, outcome });
    onStep(at + 1);
  });
});
