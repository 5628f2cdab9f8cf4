import { createHash, type Hash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { MsmaeError, messageOf } from "../support/errors.ts";
import { writeFileAtomic } from "../support/files/atomic-file.ts";
import { openRegular } from "../support/files/regular-file.ts";
import {
  CHECKSUM_KEY,
  checksumText,
  compareChecksum,
  encodeHeader,
  headerLength,
  parseHeader,
  planEntries,
  requireChecksum,
  type Safetensors,
  type SafetensorsHeader,
  type StoredTensor,
  type TensorToStore,
} from "./safetensors.ts";

export interface ReadOptions {
  /** The file is one of msmae's own and has a checksum, or it was altered; files of other programs need not have one. */
  own?: boolean;
  /** Which tensors to keep; all unless told otherwise. */
  keep?: (name: string) => boolean;
}

/** Bytes read or hashed at a time where nothing is kept. */
const PIECE_BYTES = 1 << 24;

/**
 * Reads a safetensors file, each tensor into memory of its own, so that files beyond 2 GiB work too.
 *
 * @throws MsmaeError "Checkpoint" for a file that is missing, cut short, altered, or not in this format.
 */
export async function readSafetensorsFile(path: string, options: ReadOptions = {}): Promise<Safetensors> {
  const { own = false, keep = () => true } = options;
  return withFile(path, async (file) => {
    const header = await readHeader(file, path);
    if (own) requireChecksum(header, path);
    const hash = CHECKSUM_KEY in header.metadata ? createHash("sha256") : undefined;
    hash?.update(checksumText(header));
    const tensors = new Map<string, StoredTensor>();
    for (const [name, { dtype, shape, begin, end }] of header.entries) {
      const position = header.dataStart + begin;
      if (keep(name)) {
        const bytes = new Uint8Array(end - begin);
        await readInto(file, bytes, position, path);
        updateHash(hash, bytes);
        tensors.set(name, { dtype, shape, bytes });
      } else if (hash !== undefined) {
        for (let at = begin; at < end; at += PIECE_BYTES) {
          const piece = new Uint8Array(Math.min(PIECE_BYTES, end - at));
          await readInto(file, piece, header.dataStart + at, path);
          hash.update(piece);
        }
      }
    }
    if (hash !== undefined) compareChecksum(header, hash.digest("hex"), path);
    return { metadata: header.metadata, tensors };
  });
}

/**
 * Reads metadata, names, dtypes and shapes only.
 *
 * @throws MsmaeError "Checkpoint" for a file that is missing, cut short, or not in this format.
 */
export async function readSafetensorsHeader(path: string): Promise<SafetensorsHeader> {
  return withFile(path, (file) => readHeader(file, path));
}

/**
 * Writes a safetensors file atomically and without joining the tensors first. The metadata gains `format: "pt"` and
 * the checksum of the content. The tensors must not change until the promise resolves.
 *
 * @throws MsmaeError "Checkpoint" for data that does not fit its shape, "Data" where the disk refuses.
 */
export async function writeSafetensorsFile(
  path: string,
  tensors: ReadonlyMap<string, TensorToStore>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const entries = planEntries(tensors, path);
  const data = [...entries.keys()].map((name) => {
    const { buffer, byteOffset, byteLength } = (tensors.get(name) as TensorToStore).data;
    return new Uint8Array(buffer, byteOffset, byteLength);
  });
  const described = { format: "pt", ...metadata };
  const hash = createHash("sha256").update(checksumText({ metadata: described, entries, dataStart: 0 }));
  for (const bytes of data) updateHash(hash, bytes);
  const header = encodeHeader({ ...described, [CHECKSUM_KEY]: hash.digest("hex") }, entries);
  await writeFileAtomic(path, [header, ...data]);
}

async function readHeader(file: FileHandle, path: string): Promise<SafetensorsHeader> {
  const { size } = await file.stat();
  const start = new Uint8Array(Math.min(8, size));
  await readInto(file, start, 0, path);
  const json = new Uint8Array(headerLength(start, size, path));
  await readInto(file, json, 8, path);
  return parseHeader(json, size, path);
}

async function readInto(file: FileHandle, bytes: Uint8Array, position: number, path: string): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const length = Math.min(1 << 30, bytes.length - done);
    const { bytesRead } = await file.read(bytes, done, length, position + done);
    // The size was checked before: a shorter read means that someone is changing the file.
    if (bytesRead === 0) throw unreadable(path, `${bytes.length} bytes at ${position}`, `${done}`);
    done += bytesRead;
  }
}

/** In pieces: the hash takes at most 2 GiB at once, and no shared memory on some Node versions. */
function updateHash(hash: Hash | undefined, bytes: Uint8Array): void {
  const shared = bytes.buffer instanceof SharedArrayBuffer;
  for (let at = 0; hash !== undefined && at < bytes.length; at += PIECE_BYTES) {
    const piece = bytes.subarray(at, at + PIECE_BYTES);
    hash.update(shared ? Uint8Array.from(piece) : piece);
  }
}

async function withFile<T>(path: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
  let file: FileHandle | undefined;
  try {
    file = await openRegular(path);
    return await use(file);
  } catch (error) {
    if (error instanceof MsmaeError) throw error;
    throw unreadable(path, "a readable checkpoint", messageOf(error), error);
  } finally {
    await file?.close();
  }
}

function unreadable(path: string, expected: string, got: string, cause?: unknown): MsmaeError {
  const todo = "check the path and its permissions";
  return new MsmaeError("Checkpoint", { where: path, expected, got, todo }, { cause });
}
