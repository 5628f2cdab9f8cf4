import type { FileHandle } from "node:fs/promises";
import { MsmaeError, messageOf } from "../../support/errors.ts";
import { openRegular } from "../../support/files/regular-file.ts";
import { containerFault } from "./container.ts";

/** A checkpoint's file while it is read. */
export interface OpenedFile {
  path: string;
  handle: FileHandle;
  /** Bytes. */
  size: number;
}

const TODO = "check the path and its permissions";

/**
 * Opens a checkpoint, hands it to `use`, and closes it.
 *
 * @throws MsmaeError "Checkpoint" where it is missing, no regular file, or cannot be read; what `use` throws as such passes.
 */
export async function withFile<T>(path: string, use: (file: OpenedFile) => Promise<T>): Promise<T> {
  let handle: FileHandle | undefined;
  try {
    handle = await openRegular(path);
    const { size } = await handle.stat();
    return await use({ path, handle, size });
  } catch (error) {
    if (error instanceof MsmaeError) throw error;
    throw containerFault(path, "a readable checkpoint", messageOf(error), TODO, error);
  } finally {
    await handle?.close();
  }
}

/** Fills `bytes` from `position` on. @throws MsmaeError "Checkpoint" where the file ends before. */
export async function readInto({ path, handle }: OpenedFile, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const length = Math.min(1 << 30, bytes.length - done);
    const { bytesRead } = await handle.read(bytes, done, length, position + done);
    // The size was checked before: a shorter read means that someone is changing the file.
    if (bytesRead === 0) throw containerFault(path, `${bytes.length} bytes at ${position}`, `${done}`, TODO);
    done += bytesRead;
  }
}
