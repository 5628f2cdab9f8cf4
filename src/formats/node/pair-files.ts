import { stat } from "node:fs/promises";
import { otherNames } from "../nifti/pair.ts";

/** The other half of a pair; undefined where no such file is there. */
export async function otherHalf(path: string): Promise<string | undefined> {
  return firstFile(otherNames(path));
}

/** The first of these paths that is one of a file. */
export async function firstFile(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    const found = await stat(path).then(
      (entry) => entry.isFile(),
      () => false,
    );
    if (found) return path;
  }
  return undefined;
}
