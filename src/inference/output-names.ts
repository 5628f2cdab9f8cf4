import { mkdir, realpath } from "node:fs/promises";
import { basename, extname, join, resolve } from "node:path";
import { writeFault } from "../atomic-file.ts";
import type { PictureRef } from "./list-pictures.ts";

/**
 * Makes the output folder and chooses, for each input file, the paths of what is written of it:
 * `<outputDir>/<name of the file><suffix>` for each suffix, with the slice's number where a file holds several. Where that is taken by another input's output or is itself
 * an input, a number follows the name. What earlier runs left there does not count.
 *
 * @returns [inputs][suffixes] paths.
 * @throws MsmaeError Data when the folder cannot be made.
 */
export async function outputPaths(
  inputs: readonly PictureRef[],
  outputDir: string,
  suffixes: readonly string[],
): Promise<string[][]> {
  await mkdir(outputDir, { recursive: true }).catch((error: unknown) => {
    throw writeFault(outputDir, error);
  });
  const folder = await realpath(outputDir);
  const taken = new Set(await Promise.all(inputs.map(async ({ path }) => comparable(await realPath(path)))));
  return inputs.map(({ path, item }) => {
    const name = basename(path).replace(/\.nii\.gz$/i, ".nii");
    const stem = `${basename(name, extname(name))}${item === undefined ? "" : `-slice-${item}`}`;
    for (let count = 1; ; count++) {
      const names = suffixes.map((suffix) => `${count === 1 ? stem : `${stem}-${count}`}${suffix}`);
      const targets = names.map((name) => comparable(join(folder, name)));
      if (targets.some((target) => taken.has(target))) continue;
      for (const target of targets) taken.add(target);
      return names.map((name) => join(outputDir, name));
    }
  });
}

/** Two names that differ by case alone are one file on some systems. */
function comparable(path: string): string {
  return path.normalize("NFC").toLowerCase();
}

async function realPath(path: string): Promise<string> {
  return realpath(path).catch(() => resolve(path));
}
