import type { Inflater } from "./inflater.ts";
import { DEFLATE_RATIO } from "./limits.ts";

/** Whether bytes start as a gzip stream. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b && bytes[2] === 8;
}

/**
 * Holds the length that a header claims against the packed bytes that are there.
 *
 * @throws Error when they cannot hold so much.
 */
export function checkPackedClaim(claimed: number, packed: number): void {
  if (claimed <= DEFLATE_RATIO * packed) return;
  throw new Error(`${claimed} bytes in a gzip file of ${packed}, which holds ${DEFLATE_RATIO * packed} at most`);
}

/** The first `length` bytes of what a gzip stream holds, or all of it where it holds less. */
export async function gunzipHead(bytes: Uint8Array, length: number, inflater: Inflater): Promise<Uint8Array> {
  const head = new Uint8Array(length);
  let filled = 0;
  await inflater.gunzip(bytes, (piece) => {
    head.set(piece.subarray(0, length - filled), filled);
    filled = Math.min(length, filled + piece.length);
    return filled < length;
  });
  return head.subarray(0, filled);
}

/**
 * Everything that a gzip stream holds. It is unpacked twice, so that no memory is taken for one that holds too much.
 *
 * @throws RangeError when that is more than `limit` bytes; Error when the stream is cut short or damaged.
 */
export async function gunzipAll(bytes: Uint8Array, limit: number, inflater: Inflater): Promise<Uint8Array> {
  let length = 0;
  await inflater.gunzip(bytes, (piece) => {
    length += piece.length;
    if (length > limit) throw new RangeError(`more than ${limit} bytes after decompression`);
    return true;
  });
  return gunzipHead(bytes, length, inflater);
}
