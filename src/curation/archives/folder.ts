import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { isJunk } from "../../data/folders/junk.ts";
import { type WalkedEntry, walk } from "../../data/folders/walk.ts";
import { messageOf } from "../../support/errors.ts";
import { type ArchiveEntry, checkSignal, damagedEntry } from "./archive.ts";

/** A file below a folder. */
export interface FolderFile {
  /** On the disk. */
  path: string;
  /** From the folder, with "/" between. */
  name: string;
  size: number;
}

/**
 * All files below a folder, sorted by name; links are followed.
 *
 * @throws MsmaeError Data when a folder cannot be read; Interrupted by the signal.
 */
export async function listFolder(root: string, signal?: AbortSignal): Promise<FolderFile[]> {
  const entries: WalkedEntry[] = [];
  await walk(root, {
    passOver: isJunk,
    onEntry: (entry) => entries.push(entry),
    onFolder: (path) => checkSignal(signal, path),
  });
  const found: FolderFile[] = [];
  for (const { path, name, kind } of entries) {
    // A broken link is passed over like junk: there is nothing to copy.
    const size = kind === "file" ? (await stat(path).catch(() => undefined))?.size : undefined;
    if (size !== undefined) found.push({ path, name, size });
  }
  return found;
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
    throw damagedEntry(path, "a readable file", messageOf(cause), "check the file and its permissions", cause);
  }
}
