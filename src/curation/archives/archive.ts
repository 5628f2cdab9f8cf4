import { MsmaeError, messageOf } from "../../support/errors.ts";
import type { ArchiveLimits } from "./limits.ts";

/** One file in an archive. */
export interface ArchiveEntry {
  /** Path inside the archive with "/" between; it never leads out of the folder it is unpacked to. */
  name: string;
  /** Bytes after decompression, as the archive says. */
  size: number;
  /** The content piece by piece; asked for at most once and read to its end, before the next entry is asked for. */
  open(): AsyncIterable<Uint8Array>;
}

/** A zip or tar file, a folder, or a single table, all read in the same way. */
export interface Archive {
  path: string;
  /** Last part of the path. */
  name: string;
  kind: "zip" | "tar" | "tar.gz" | "folder" | "file";
  /** The files that it consists of on the disk, in order; for a folder those found when it was opened. */
  files: readonly string[];
  /** Of all {@link Archive.files} together. */
  bytes: number;
  /**
   * All files in an order that is the same at each call. Folders, links and system junk are no entries.
   *
   * @throws MsmaeError Data when the archive is damaged, truncated or encrypted, would write outside of its folder, or
   * goes past the limits; {@link DamagedEntry} where that is true of one file only, when it is opened; Interrupted by
   * the signal.
   */
  entries(signal?: AbortSignal): AsyncIterable<ArchiveEntry>;
}

export function archiveError(where: string, expected: string, got: string, todo: string, cause?: unknown): MsmaeError {
  return new MsmaeError("Data", { where, expected, got, todo }, cause === undefined ? undefined : { cause });
}

/** What is wrong with one entry alone: the others of its archive can be read. */
export class DamagedEntry extends MsmaeError {}

export function damagedEntry(where: string, expected: string, got: string, todo: string, cause?: unknown): MsmaeError {
  return new DamagedEntry("Data", { where, expected, got, todo }, cause === undefined ? undefined : { cause });
}

export function checkSignal(signal: AbortSignal | undefined, where: string): void {
  if (!signal?.aborted) return;
  const parts = { where, expected: "to read on", got: "an abort signal", todo: "run again to start over" };
  throw new MsmaeError("Interrupted", parts);
}

/** Counts what is read from one archive and stops it at the limits. */
export class ArchiveBudget {
  readonly #where: string;
  readonly #limits: ArchiveLimits;
  #entries = 0;
  #bytes = 0;

  constructor(where: string, limits: ArchiveLimits) {
    this.#where = where;
    this.#limits = limits;
  }

  /** @throws MsmaeError Data when there are too many entries. */
  countEntry(): void {
    this.#entries++;
    if (this.#entries <= this.#limits.entries) return;
    const got = `more than ${this.#limits.entries}`;
    throw archiveError(this.#where, `at most ${this.#limits.entries} entries`, got, "split the archive");
  }

  /**
   * To be asked before an entry is decompressed.
   *
   * @throws MsmaeError Data when it is larger than one entry or all of them may be, or shrank more than real files do.
   */
  countBytes(name: string, size: number, compressed?: number): void {
    const { entryBytes, totalBytes, ratio, ratioFreeBytes } = this.#limits;
    const where = `${this.#where}: ${name}`;
    const todo = "get the archive from its official source; if it is right, unpack it yourself and give the folder";
    if (size > entryBytes) throw archiveError(where, `at most ${entryBytes} bytes in a file`, `${size} bytes`, todo);
    if (compressed !== undefined && size > ratioFreeBytes && size > ratio * compressed) {
      const expected = `at most ${ratio} times the compressed size of ${compressed} bytes`;
      throw archiveError(where, expected, `${size} bytes`, todo);
    }
    this.#bytes += size;
    if (this.#bytes <= totalBytes) return;
    throw archiveError(this.#where, `at most ${totalBytes} bytes in all`, `more at ${name}`, todo);
  }
}

/** The error for what a reading library threw; errors of this package pass through. */
export function readingFault(where: string, format: string, cause: unknown): MsmaeError {
  if (cause instanceof MsmaeError) return cause;
  const todo = "download it again and compare its size and checksum with the source's";
  return archiveError(where, `a whole ${format}`, messageOf(cause), todo, cause);
}
