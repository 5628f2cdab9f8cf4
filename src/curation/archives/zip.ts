import { crc32 } from "node:zlib";
import { type Entry, fromRandomAccessReaderPromise, getFileNameLowLevel, openPromise, type ZipFile } from "yauzl";
import { isJunk } from "../../data/folders/junk.ts";
import { messageOf } from "../../support/errors.ts";
import { ArchiveBudget, type ArchiveEntry, archiveError, checkSignal, damagedEntry, readingFault } from "./archive.ts";
import { linkFault, safeEntryName } from "./entry-name.ts";
import type { ArchiveLimits } from "./limits.ts";
import { PartsReader } from "./zip-parts.ts";

const UNIX = 3;
const FILE_TYPE = 0o170000;
const SYMBOLIC_LINK = 0o120000;

/**
 * The files of a zip archive (zip64 too), in the order of its directory. Each is checked against its CRC-32.
 *
 * @param files - the archive, or its pieces in order.
 * @throws MsmaeError Data as {@link Archive.entries} says.
 */
export async function* zipEntries(
  where: string,
  files: readonly string[],
  sizes: readonly number[],
  limits: ArchiveLimits,
  signal?: AbortSignal,
): AsyncGenerator<ArchiveEntry> {
  const budget = new ArchiveBudget(where, limits);
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  let zip: ZipFile | undefined;
  let compressed = 0;
  try {
    zip = await openZip(files, sizes, bytes);
    for await (const entry of zip.eachEntry()) {
      checkSignal(signal, where);
      budget.countEntry();
      const name = nameOf(where, entry);
      compressed += entry.compressedSize;
      if (compressed > bytes) {
        const todo = "do not unpack it; get the archive from its official source";
        throw archiveError(where, "entries that lie beside each other", `entries that overlap at ${name}`, todo);
      }
      if (name.endsWith("/") || isJunk(name)) continue;
      const opened = zip;
      yield { name, size: entry.uncompressedSize, open: () => content(where, name, opened, entry, budget) };
    }
  } catch (cause) {
    throw zipFault(where, cause);
  } finally {
    zip?.close();
  }
}

async function openZip(files: readonly string[], sizes: readonly number[], bytes: number): Promise<ZipFile> {
  // Names are decoded here, so that every kind of archive is held to the same rules. Closing is left to the caller.
  const options = { autoClose: false, decodeStrings: false, validateEntrySizes: true };
  const [file] = files;
  if (files.length === 1 && file !== undefined) return openPromise(file, options);
  return fromRandomAccessReaderPromise(new PartsReader(files, sizes), bytes, options);
}

function nameOf(where: string, entry: Entry): string {
  const raw = getFileNameLowLevel(entry.generalPurposeBitFlag, entry.fileNameRaw, entry.extraFields, true);
  const name = safeEntryName(where, raw);
  if (entry.versionMadeBy >>> 8 === UNIX && ((entry.externalFileAttributes >>> 16) & FILE_TYPE) === SYMBOLIC_LINK) {
    throw linkFault(where, name);
  }
  return raw.endsWith("/") ? `${name}/` : name;
}

function checkDecodable(where: string, name: string, entry: Entry): void {
  if (entry.isEncrypted()) {
    const todo = "unpack it with its password and give the folder";
    throw damagedEntry(where, "files without a password", `an encrypted file (${name})`, todo);
  }
  if (entry.compressionMethod === 0 || entry.compressionMethod === 8) return;
  const got = `compression method ${entry.compressionMethod} (${name})`;
  throw damagedEntry(where, "files stored or deflated", got, "unpack it yourself and give the folder");
}

async function* content(
  where: string,
  name: string,
  zip: ZipFile,
  entry: Entry,
  budget: ArchiveBudget,
): AsyncGenerator<Uint8Array> {
  checkDecodable(where, name, entry);
  const stored = entry.compressionMethod === 0;
  budget.countBytes(name, entry.uncompressedSize, stored ? undefined : entry.compressedSize);
  let sum = 0;
  try {
    for await (const chunk of await zip.openReadStreamPromise(entry)) {
      const piece = chunk as Buffer;
      sum = crc32(piece, sum);
      yield piece;
    }
  } catch (cause) {
    const got = messageOf(cause);
    throw damagedEntry(`${where}: ${name}`, "a whole file in the archive", got, "download the archive again", cause);
  }
  if (sum === entry.crc32) return;
  const todo = "download the archive again";
  throw damagedEntry(`${where}: ${name}`, `checksum ${hex(entry.crc32)}`, `${hex(sum)} (a damaged file)`, todo);
}

function hex(value: number): string {
  return value.toString(16).padStart(8, "0");
}

function zipFault(where: string, cause: unknown): Error {
  const message = cause instanceof Error ? cause.message : "";
  if (message.startsWith("End of central directory record signature not found")) {
    const todo = "download it again: the end of the file is missing";
    return archiveError(
      where,
      "a whole zip archive",
      "one without its directory (an unfinished download)",
      todo,
      cause,
    );
  }
  if (message.startsWith("multi-disk")) {
    const todo = "join the parts (zip -s 0 NAME.zip --out whole.zip) and give the whole";
    return archiveError(where, "one whole zip archive", "one part of a spanned archive", todo, cause);
  }
  if (message.startsWith("strong encryption")) {
    const todo = "unpack it with its password and give the folder";
    return archiveError(where, "files without a password", "an encrypted archive", todo, cause);
  }
  return readingFault(where, "zip archive", cause);
}
