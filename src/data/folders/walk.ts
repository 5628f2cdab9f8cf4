import type { Dirent } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { MsmaeError, messageOf } from "../../support/errors.ts";

/** Ways by which one folder may be reached through links. */
const MOST_VISITS = 64;

/** What an entry of a folder leads to, through links; `broken`: to nothing, or in a circle. */
export type EntryKind = "file" | "folder" | "other" | "broken";

/** Something below a folder that is no folder itself. */
export interface WalkedEntry {
  path: string;
  /** From the root, with "/" between. */
  name: string;
  kind: Exclude<EntryKind, "folder">;
}

export interface WalkOptions {
  /** Entries to leave alone, by their names alone: files, and folders with all that is below them. */
  passOver(name: string): boolean;
  onEntry(entry: WalkedEntry): void;
  /** Called before each folder is read; what it throws ends the walk. */
  onFolder?(path: string): void;
}

/**
 * Visits all that lies below a folder, in the order of names by code units. Links are followed, since data sets often are
 * folders of links; each folder is entered once on a way, so that a link to a folder above ends.
 *
 * @throws MsmaeError Data when a folder cannot be read, or links lead to one folder again and again.
 */
export async function walk(root: string, options: WalkOptions): Promise<void> {
  await new Walk(options).enter({ path: root, name: "", real: await realFolder(root) }, new Set());
}

interface Folder {
  path: string;
  /** From the root, with "/" behind it; "" for the root. */
  name: string;
  real: string;
}

class Walk {
  readonly #options: WalkOptions;
  /** How often each folder was entered. */
  readonly #visits = new Map<string, number>();

  constructor(options: WalkOptions) {
    this.#options = options;
  }

  async enter(folder: Folder, above: ReadonlySet<string>): Promise<void> {
    const { path, real } = folder;
    if (above.has(real)) return;
    const visits = (this.#visits.get(real) ?? 0) + 1;
    this.#visits.set(real, visits);
    if (visits > MOST_VISITS) throw manyWays(path, real);
    this.#options.onFolder?.(path);
    const way = new Set(above).add(real);
    for (const entry of await entriesOf(path)) {
      if (this.#options.passOver(entry.name)) continue;
      const below = join(path, entry.name);
      const name = `${folder.name}${entry.name}`;
      const kind = await kindOf(entry, below);
      if (kind !== "folder") this.#options.onEntry({ path: below, name, kind });
      // Only a link leads elsewhere than to the folder beside it.
      else {
        const target = entry.isDirectory() ? join(real, entry.name) : await realFolder(below);
        await this.enter({ path: below, name: `${name}/`, real: target }, way);
      }
    }
  }
}

/** The entries of a folder, sorted by code units. @throws MsmaeError Data when it cannot be read. */
export async function entriesOf(folder: string): Promise<Dirent[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause) => {
    throw unreadableFolder(folder, cause);
  });
  return entries.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** What an entry leads to; `path` is where it stands. */
export async function kindOf(entry: Dirent, path: string): Promise<EntryKind> {
  if (entry.isFile()) return "file";
  if (entry.isDirectory()) return "folder";
  // Some file systems tell no types; such entries are looked at like links.
  const found = await stat(path).catch(() => undefined);
  if (!found) return "broken";
  return found.isFile() ? "file" : found.isDirectory() ? "folder" : "other";
}

function realFolder(path: string): Promise<string> {
  return realpath(path).catch((cause) => {
    throw unreadableFolder(path, cause);
  });
}

function unreadableFolder(where: string, cause: unknown): MsmaeError {
  const got = messageOf(cause);
  const todo = "check the path and its permissions";
  return new MsmaeError("Data", { where, expected: "a readable folder", got, todo }, { cause });
}

function manyWays(where: string, real: string): MsmaeError {
  const expected = `links that lead to a folder at most ${MOST_VISITS} times`;
  return new MsmaeError("Data", { where, expected, got: `${real} once more`, todo: "remove links to folders" });
}
