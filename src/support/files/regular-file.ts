import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  read as readCallback,
  readSync,
  type Stats,
  statSync,
} from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { promisify } from "node:util";

const read = promisify(readCallback);

// A pipe opened with it is waited for by nobody. Systems without the flag have no pipes among their files.
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

// Small files are read at once: the way through another thread takes ten times as long as reading them.
const AT_ONCE_BYTES = 2 ** 20;
const PIECE_BYTES = 2 ** 26;

/** More bytes than the reader takes: `expected` and `got` say how many. */
export class FileTooLarge extends Error {
  readonly expected: string;
  readonly got: string;

  constructor(most: number, size: number) {
    super(`a file of ${size} bytes, more than ${most}`);
    this.expected = `a file of at most ${most} bytes`;
    this.got = `${size} bytes`;
  }
}

/** @throws Error that says what a path leads to, where that is no regular file. */
function checkRegular(stats: Stats): Stats {
  if (stats.isFile()) return stats;
  if (stats.isDirectory()) throw new Error("a folder");
  const kind = stats.isFIFO() ? "a named pipe" : stats.isSocket() ? "a socket" : "a device";
  throw new Error(`${kind}, which is no regular file`);
}

/**
 * Opens a regular file for reading. Pipes, devices and sockets are refused without being waited for: they are looked at
 * before they are opened, since opening alone may do something, and after, since another may stand there by then.
 *
 * @returns a descriptor that the caller closes, and the facts of the file that it belongs to.
 * @throws Error when there is no such file, it may not be read, or it is no regular file.
 */
export function openRegularSync(path: string): { descriptor: number; stats: Stats } {
  checkRegular(statSync(path));
  const descriptor = openSync(path, FLAGS);
  try {
    return { descriptor, stats: checkRegular(fstatSync(descriptor)) };
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

/**
 * All bytes of a regular file; no more than it has when it is opened.
 *
 * @throws FileTooLarge when it has more than `most`; Error as {@link openRegularSync}, and when it changes meanwhile.
 */
export async function readRegular(path: string, most: number): Promise<Buffer> {
  const { descriptor, stats } = openRegularSync(path);
  try {
    const { size, mtimeMs } = stats;
    if (size > most) throw new FileTooLarge(most, size);
    const bytes = Buffer.allocUnsafeSlow(size);
    let filled = 0;
    while (filled < size) {
      const length = Math.min(PIECE_BYTES, size - filled);
      const got =
        size <= AT_ONCE_BYTES
          ? readSync(descriptor, bytes, filled, length, filled)
          : (await read(descriptor, bytes, filled, length, filled)).bytesRead;
      if (got === 0) throw new Error(`${filled} of ${size} bytes: the file got shorter while it was read`);
      filled += got;
    }
    const after = fstatSync(descriptor);
    if (after.size !== size || after.mtimeMs !== mtimeMs) throw new Error("a file that changed while it was read");
    return bytes;
  } finally {
    closeSync(descriptor);
  }
}

/** {@link openRegularSync} without waiting for slow disks. The caller closes the handle. */
export async function openRegular(path: string): Promise<FileHandle> {
  checkRegular(statSync(path));
  const file = await open(path, FLAGS);
  try {
    checkRegular(fstatSync(file.fd));
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The first bytes of a regular file, at most `most`. @throws Error as {@link openRegularSync}. */
export async function readStart(path: string, most: number): Promise<Buffer> {
  const file = await openRegular(path);
  try {
    const head = Buffer.allocUnsafe(Math.min(most, fstatSync(file.fd).size));
    const { bytesRead } = await file.read(head, 0, head.length, 0);
    return head.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
