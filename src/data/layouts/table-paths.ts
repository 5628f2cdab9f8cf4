import { readdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { imageByName } from "../folders/image-names.ts";

/** At most this many missing files are named. */
const NAMED = 5;

/** A file that a table names: where it is, or the files of which it may be any. */
export type FoundFile = { path: string } | { several: string[] } | undefined;

/**
 * Finds the files that a table names: relative to its folder or absolute, with slashes or backslashes between. A name
 * that is not there stands for the one file that bears it with an image's ending, or in another Unicode form.
 */
export class TablePaths {
  readonly #root: string;
  readonly #exists: (path: string) => boolean;
  readonly #folders = new Map<string, Promise<ReadonlyMap<string, string[]>>>();

  /** @param exists whether there is a file of that path. */
  constructor(root: string, exists: (path: string) => boolean) {
    this.#root = root;
    this.#exists = exists;
  }

  async find(name: string): Promise<FoundFile> {
    const ways = [resolve(this.#root, name)];
    if (name.includes("\\")) ways.push(resolve(this.#root, name.replaceAll("\\", "/")));
    const path = ways.find((way) => this.#exists(way));
    if (path !== undefined) return { path };
    const wanted = ways.at(-1) as string;
    const folder = dirname(wanted);
    const known = this.#folders.get(folder) ?? filesByName(folder);
    this.#folders.set(folder, known);
    const fitting = (await known).get(basename(wanted).normalize("NFC")) ?? [];
    const [first] = fitting;
    if (first === undefined) return;
    return fitting.length === 1 ? { path: join(folder, first) } : { several: fitting };
  }
}

/** Images of a folder by their names in one Unicode form, with and without their ending. */
async function filesByName(folder: string): Promise<ReadonlyMap<string, string[]>> {
  const files = new Map<string, string[]>();
  const names = await readdir(folder).catch(() => []);
  for (const file of names.filter((name) => imageByName(name) === "image").sort()) {
    const name = file.normalize("NFC");
    for (const key of new Set([name, withoutEnding(name)])) {
      const held = files.get(key);
      if (held) held.push(file);
      else files.set(key, [file]);
    }
  }
  return files;
}

/** A file's name without the ending that says what it is. */
export function withoutEnding(name: string): string {
  return name.replace(/\.nii\.gz$|\.[^./]+$/i, "");
}

/**
 * One fault for all files that a table names and that are not there, the first few in full.
 *
 * @param missing the line on which each is named first.
 * @param of how many were looked for, and where.
 */
export function missingFault(missing: ReadonlyMap<string, number>, of: string): string {
  const named = [...missing].slice(0, NAMED).map(([name, line]) => `${name} (line ${line})`);
  if (missing.size > NAMED) named.push("…");
  return `${missing.size} of ${of}: ${named.join(", ")}`;
}
