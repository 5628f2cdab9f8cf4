import { realpath } from "node:fs/promises";
import { basename, extname, join, resolve, sep } from "node:path";
import { namedFiles, type ResultKind } from "../support/files/output-folder.ts";
import type { PictureRef } from "./list-pictures.ts";

/** Pictures drawn of files, known by how their names end. Of those files themselves none counts as one. */
export function drawings(name: string, pattern: RegExp, files: readonly string[]): ResultKind {
  const drawn = namedFiles(pattern);
  return {
    name,
    async earlier(folder) {
      const inputs = await Promise.all(files.map(realPath));
      const found = await drawn(folder);
      const real = await Promise.all(found.map((path) => realPath(join(folder, path))));
      return found.filter((_, at) => {
        const path = real[at] as string;
        return !inputs.some((input) => path === input || path.startsWith(input + sep));
      });
    },
  };
}

/**
 * Chooses, for each input file, the names of what is written of it into the output folder:
 * `<name of the file><suffix>` for each suffix, with the slice's number where a file holds several. Where that is taken
 * by another input's output or is itself an input, a number follows the name. What earlier runs left there does not count.
 *
 * @returns [inputs][suffixes] names.
 */
export async function outputNames(
  inputs: readonly PictureRef[],
  outputDir: string,
  suffixes: readonly string[],
): Promise<string[][]> {
  const folder = await realPath(outputDir);
  const taken = new Set(await Promise.all(inputs.map(async ({ path }) => comparable(await realPath(path)))));
  return inputs.map(({ path, item }) => {
    const name = basename(path).replace(/\.nii\.gz$/i, ".nii");
    const stem = `${basename(name, extname(name))}${item === undefined ? "" : `-slice-${item}`}`;
    for (let count = 1; ; count++) {
      const names = suffixes.map((suffix) => `${count === 1 ? stem : `${stem}-${count}`}${suffix}`);
      const targets = names.map((name) => comparable(join(folder, name)));
      if (targets.some((target) => taken.has(target))) continue;
      for (const target of targets) taken.add(target);
      return names;
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
