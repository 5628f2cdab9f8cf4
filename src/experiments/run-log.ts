import { readFile } from "node:fs/promises";
import { join } from "node:path";

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

/** The text of a file; undefined where there is none. */
export function readIfThere(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
}
