import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { copyFile, type FileHandle, link, open, rename, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { MsmaeError, messageOf } from "../errors.ts";

/**
 * Writes a file so that at any moment, a crash or power cut included, `path` holds the whole old or the whole new content.
 *
 * The bytes go to a temporary file in the same folder, which is flushed to the disk and then renamed over `path`; the
 * folder is flushed last. The temporary file is removed when anything fails. An array of chunks is written in order
 * without being joined first, so that a checkpoint of several gigabytes needs no second copy.
 *
 * @param replace - false: a file that stands at `path`, even since a moment ago, stays as it is.
 * @throws MsmaeError "Data" when the disk is full, the folder is missing, writing there is not allowed, or a file stands
 * there that is not to be replaced.
 */
export async function writeFileAtomic(
  path: string,
  content: string | Uint8Array | readonly Uint8Array[],
  { replace = true }: { replace?: boolean } = {},
): Promise<void> {
  const folder = dirname(path);
  // Beside the target, because a rename is atomic only within one file system.
  const temporary = join(folder, `.${basename(path)}.${process.pid}-${randomUUID().slice(0, 8)}.tmp`);
  let handle: FileHandle | undefined;
  try {
    handle = await open(temporary, "wx");
    for (const chunk of chunksOf(content)) await writeAll(handle, chunk);
    await handle.sync();
    await handle.close();
    handle = undefined;
    if (replace) await rename(temporary, path);
    else await moveToFree(temporary, path);
  } catch (error) {
    await handle?.close().catch(() => undefined);
    await unlink(temporary).catch(() => undefined);
    throw writeFault(path, error);
  }
  await syncFolder(folder);
}

/** The name of the file that a temporary file was to become, undefined for the name of any other file. */
export function temporaryFor(name: string): string | undefined {
  return /^\.(.+)\.\d+-[0-9a-f]{8}\.tmp$/.exec(name)?.[1];
}

/**
 * The error to raise for a failed write: names the path, and what the user can do about this kind of failure.
 * Errors that are already MsmaeError are handed back as they are.
 */
export function writeFault(path: string, error: unknown): MsmaeError {
  if (error instanceof MsmaeError) return error;
  const code = systemCode(error);
  const known = code === undefined ? undefined : FAULTS[code];
  return new MsmaeError(
    "Data",
    {
      where: path,
      expected: "to write this file",
      got: known?.got ?? messageOf(error),
      todo: known?.todo ?? "check the folder and its disk, then run again",
    },
    { cause: error },
  );
}

const FULL = "free some space or choose another output folder, then resume the run";
const FORBIDDEN = "give yourself write permission on the folder or choose another output folder";

const FAULTS: Readonly<Record<string, { got: string; todo: string }>> = {
  ENOSPC: { got: "a full disk (ENOSPC)", todo: FULL },
  EDQUOT: { got: "a used-up disk quota (EDQUOT)", todo: FULL },
  EFBIG: { got: "a file larger than this disk or user may hold (EFBIG)", todo: FULL },
  EACCES: { got: "no write permission (EACCES)", todo: FORBIDDEN },
  EPERM: { got: "an operation that is not permitted (EPERM)", todo: FORBIDDEN },
  EROFS: { got: "a read-only file system (EROFS)", todo: FORBIDDEN },
  ENOENT: {
    got: "a folder that does not exist (ENOENT)",
    todo: "make the folder first or choose another output folder",
  },
  ENOTDIR: { got: "a file where a folder should be (ENOTDIR)", todo: "choose another output folder" },
  EEXIST: { got: "a file of that name (EEXIST)", todo: "give --overwrite to replace it, or choose another name" },
  EISDIR: { got: "a folder of that name (EISDIR)", todo: "remove the folder or choose another name" },
  ENAMETOOLONG: { got: "a name that is too long (ENAMETOOLONG)", todo: "choose a shorter output folder" },
  EMFILE: { got: "too many open files (EMFILE)", todo: "raise the limit (ulimit -n) or use fewer workers" },
};

function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

function chunksOf(content: string | Uint8Array | readonly Uint8Array[]): readonly Uint8Array[] {
  if (typeof content === "string") return [new TextEncoder().encode(content)];
  return content instanceof Uint8Array ? [content] : content;
}

// One write may take fewer bytes than it was given, and Linux never takes more than 2 GiB - 4096 at once.
const LARGEST_WRITE = 1 << 30;

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  // Shared memory is copied piece by piece: file writes accept only ordinary buffers on some Node versions.
  const shared = typeof SharedArrayBuffer !== "undefined" && bytes.buffer instanceof SharedArrayBuffer;
  const piece = shared ? 1 << 24 : LARGEST_WRITE;
  let offset = 0;
  while (offset < bytes.byteLength) {
    const view = bytes.subarray(offset, Math.min(offset + piece, bytes.byteLength));
    const part = shared ? Uint8Array.from(view) : view;
    const { bytesWritten } = await handle.write(part, 0, part.byteLength);
    offset += bytesWritten;
  }
}

/** Renaming would replace what stands at the new name; a second name for the same file cannot. */
async function moveToFree(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (systemCode(error) === "EEXIST") throw error;
    // Some file systems know no second names.
    await copyFile(from, to, constants.COPYFILE_EXCL);
  }
  await unlink(from);
}

/** Makes renames in a folder last through a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(folder, "r");
    await handle.sync();
  } catch {
    // Windows and some network file systems cannot flush a folder; the file itself is already safe there.
  } finally {
    await handle?.close().catch(() => undefined);
  }
}
