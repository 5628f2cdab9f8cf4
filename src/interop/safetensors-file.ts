import { createHash, type Hash } from "node:crypto";
import { writeFileAtomic } from "../support/files/atomic-file.ts";
import { ordinaryPieces } from "../support/files/ordinary-pieces.ts";
import type { KeepOptions } from "./containers/container.ts";
import { type OpenedFile, readInto, withFile } from "./containers/opened-file.ts";
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

export interface ReadOptions extends KeepOptions {
  /** The file is one of msmae's own and has a checksum, or it was altered; files of other programs need not have one. */
  own?: boolean;
}

export interface SafetensorsFile extends Safetensors {
  /** Every tensor of the file, kept or not. */
  entries: SafetensorsHeader["entries"];
}

/** Bytes read or hashed at a time where nothing is kept. */
const PIECE_BYTES = 1 << 24;

/**
 * Reads a safetensors file, each tensor into memory of its own, so that files beyond 2 GiB work too.
 *
 * @throws MsmaeError "Checkpoint" for a file that is missing, cut short, altered, or not in this format.
 */
export async function readSafetensorsFile(path: string, options: ReadOptions = {}): Promise<SafetensorsFile> {
  const { own = false, keep = () => true } = options;
  return withFile(path, async (file) => {
    const header = await readHeader(file);
    if (own) requireChecksum(header, path);
    const hash = CHECKSUM_KEY in header.metadata ? createHash("sha256") : undefined;
    hash?.update(checksumText(header));
    const tensors = new Map<string, StoredTensor>();
    for (const [name, { dtype, shape, begin, end }] of header.entries) {
      const position = header.dataStart + begin;
      if (keep(name)) {
        const bytes = new Uint8Array(end - begin);
        await readInto(file, bytes, position);
        updateHash(hash, bytes);
        tensors.set(name, { dtype, shape, bytes });
      } else if (hash !== undefined) {
        for (let at = begin; at < end; at += PIECE_BYTES) {
          const piece = new Uint8Array(Math.min(PIECE_BYTES, end - at));
          await readInto(file, piece, header.dataStart + at);
          hash.update(piece);
        }
      }
    }
    if (hash !== undefined) compareChecksum(header, hash.digest("hex"), path);
    return { metadata: header.metadata, entries: header.entries, tensors };
  });
}

/**
 * Reads metadata, names, dtypes and shapes only.
 *
 * @throws MsmaeError "Checkpoint" for a file that is missing, cut short, or not in this format.
 */
export async function readSafetensorsHeader(path: string): Promise<SafetensorsHeader> {
  return withFile(path, readHeader);
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

async function readHeader(file: OpenedFile): Promise<SafetensorsHeader> {
  const { path, size } = file;
  const start = new Uint8Array(Math.min(8, size));
  await readInto(file, start, 0);
  const json = new Uint8Array(headerLength(start, size, path));
  await readInto(file, json, 8);
  return parseHeader(json, size, path);
}

/** The hash takes at most 2 GiB at once. */
function updateHash(hash: Hash | undefined, bytes: Uint8Array): void {
  if (hash === undefined) return;
  for (const piece of ordinaryPieces(bytes, PIECE_BYTES)) hash.update(piece);
}
