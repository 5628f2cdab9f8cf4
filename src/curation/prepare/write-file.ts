import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { writeFault } from "../../support/files/atomic-file.ts";
import type { ArchiveEntry } from "../archives/archive.ts";

/** A file of the data set. */
export interface WrittenFile {
  /** Relative to the data set's folder, with "/" between. */
  path: string;
  bytes: number;
  sha256: string;
}

/** Copies an entry piece by piece. Where it cannot be read to its end, nothing is left of it. */
export async function streamEntry(root: string, path: string, entry: ArchiveEntry): Promise<WrittenFile> {
  const hash = createHash("sha256");
  const target = join(root, path);
  let bytes = 0;
  async function* counted() {
    for await (const chunk of entry.open()) {
      hash.update(chunk);
      bytes += chunk.length;
      yield chunk;
    }
  }
  try {
    await writing(target, () => pipeline(counted, createWriteStream(target, { flags: "wx" })));
  } catch (error) {
    await unlink(target).catch(() => undefined);
    throw error;
  }
  return { path, bytes, sha256: hash.digest("hex") };
}

export async function writeBytes(root: string, path: string, bytes: Uint8Array): Promise<WrittenFile> {
  await writing(join(root, path), () => writeFile(join(root, path), bytes, { flag: "wx" }));
  return { path, bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
}

/** @throws MsmaeError Data that names the path, when it cannot be written. */
export async function writing<T>(path: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    throw writeFault(path, error);
  }
}
