import { join } from "node:path";
import { readIfThere } from "../support/files/read-if-there.ts";

/** What is read of a line that a training writes after an epoch. */
export interface EpochLine {
  /** From 0. */
  epoch: number;
  train_loss: number;
  test_accuracy?: number;
  test_iou?: number;
  train_elapsed_seconds?: number;
}

/** The epochs of a training in its folder, so far. */
export async function epochsOf(folder: string): Promise<EpochLine[]> {
  const text = (await readIfThere(join(folder, "log.txt"))) ?? "";
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as EpochLine);
}
