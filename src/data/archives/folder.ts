import { createReadStream } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "../../errors.ts";
import { type ArchiveEntry, archiveError, checkSignal } from "./archive.ts";
import { isJunk } from "./entry-name.ts";

/** A file below a folder. */
export interface FolderFile {
  /** On the disk. */
  path: string;
  /** From the folder, with "/" between. */
  name: string;
  size: number;
}

/**
 * All files below a folder, sorted by name. Links are followed, since data sets often are folders of links; each
 * folder is visited once on a way, so that a link to a folder above ends.
 *
 * @throws MsmaeError Data when a folder cannot be read; Interrupted by the signal.
 */
export async function listFolder(root: string, signal?: AbortSignal): Promise<FolderFile[]> {
  const found: FolderFile[] = [];
  await visit(root, "", new Set(), found, signal);
  return found;
}

async function visit(
  folder: string,
  prefix: string,
  above: ReadonlySet<string>,
  found: FolderFile[],
  signal: AbortSignal | undefined,
): Promise<void> {
  checkSignal(signal, folder);
  const [names, real] = await Promise.all([readdir(folder), realpath(folder)]).catch((cause: unknown) => {
    throw archiveError(folder, "a readable folder", messageOf(cause), "check the path and its permissions", cause);
  });
  if (above.has(real)) return;
  const way = new Set([...above, real]);
  for (const file of names.sort()) {
    const path = join(folder, file);
    const name = `${prefix}${file}`;
    // A broken link is passed over like junk: there is nothing to copy.
    const entry = isJunk(name) ? undefined : await stat(path).catch(() => undefined);
    if (entry?.isDirectory()) await visit(path, `${name}/`, way, found, signal);
    else if (entry?.isFile()) found.push({ path, name, size: entry.size });
  }
}

/** The given files as entries. */
export async function* fileEntries(
  files: readonly FolderFile[],
  signal: AbortSignal | undefined,
): AsyncGenerator<ArchiveEntry> {
  for (const { path, name, size } of files) {
    checkSignal(signal, path);
    yield { name, size, open: () => content(path) };
  }
}

async function* content(path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path);
  } catch (cause) {
    throw archiveError(path, "a readable file", messageOf(cause), "check the file and its permissions", cause);
  }
}
