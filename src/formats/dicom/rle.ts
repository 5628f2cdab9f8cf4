import { dataError } from "./errors.ts";

const HEADER_BYTES = 64;

/**
 * Decodes a frame of RLE Lossless: byte planes from the most significant on, sample by sample.
 *
 * @param planes of the frame: samples per pixel · bytes per sample.
 * @param planeBytes of one plane: its pixels, or an eighth of them for one bit per pixel.
 * @returns [planes, planeBytes]
 * @throws MsmaeError Data where the segments are others than the frame needs, or end too early.
 *
 * Source: DICOM PS3.5 annex G.
 */
export function decodeRle(bytes: Uint8Array, planes: number, planeBytes: number, where: string): Uint8Array {
  const fail = (expected: string, got: string) => dataError(where, expected, got, "fetch the file again");
  if (bytes.length < HEADER_BYTES) throw fail(`an RLE header of ${HEADER_BYTES} bytes`, `${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const segments = view.getUint32(0, true);
  if (segments !== planes) throw fail(`${planes} RLE segments`, `${segments}`);
  const output = new Uint8Array(planes * planeBytes);
  for (let plane = 0; plane < planes; plane++) {
    const start = view.getUint32(4 + plane * 4, true);
    const end = plane + 1 < planes ? view.getUint32(8 + plane * 4, true) : bytes.length;
    if (start < HEADER_BYTES || end > bytes.length || start > end) {
      throw fail(`RLE segment ${plane} within ${bytes.length} bytes`, `bytes ${start} to ${end}`);
    }
    const target = output.subarray(plane * planeBytes, (plane + 1) * planeBytes);
    const written = unpack(bytes, start, end, target);
    if (written < planeBytes)
      throw fail(`${planeBytes} bytes in RLE segment ${plane}`, `${planeBytes - written} fewer`);
  }
  return output;
}

// Returns how many bytes were there for the target; more than it holds are padding.
function unpack(bytes: Uint8Array, start: number, end: number, target: Uint8Array): number {
  let from = start;
  let to = 0;
  while (from < end && to < target.length) {
    const code = bytes[from++] as number;
    if (code === 128) continue;
    if (code < 128) {
      const count = Math.min(code + 1, end - from, target.length - to);
      target.set(bytes.subarray(from, from + count), to);
      from += code + 1;
      to += count;
    } else {
      if (from >= end) break;
      const count = Math.min(257 - code, target.length - to);
      target.fill(bytes[from++] as number, to, to + count);
      to += count;
    }
  }
  return to;
}
