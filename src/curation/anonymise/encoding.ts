import type { Encoding } from "../../formats/dicom/data-set.ts";

const ITEM = 0xfffee000;
const ITEM_END = 0xfffee00d;
const SEQUENCE_END = 0xfffee0dd;
const UNDEFINED = 0xffffffff;

/** Representations whose length takes four bytes after two reserved ones. */
const LONG_VRS = new Set(["OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"]);

/** An element as it will stand in the file. */
export interface WrittenElement {
  tag: number;
  chunks: Uint8Array[];
}

/** An element of a known value. */
export function writeElement(tag: number, vr: string, value: Uint8Array, encoding: Encoding): WrittenElement {
  // A value too long for its representation, as text from a file without representations can be.
  const fitting = value.length > 0xfffe && !LONG_VRS.has(vr) ? "UN" : vr;
  return { tag, chunks: [header(tag, fitting, value.length, encoding), value] };
}

/** Encapsulated pixel data; `fragments` are the items, without the delimiter at their end. */
export function writeFragments(tag: number, vr: string, fragments: Uint8Array, encoding: Encoding): WrittenElement {
  const end = header(SEQUENCE_END, "", 0, encoding);
  return { tag, chunks: [header(tag, vr, UNDEFINED, encoding), fragments, end] };
}

/** A sequence with items of undefined length. `vr` is SQ, or UN for items of another encoding than the file's. */
export function writeSequence(
  tag: number,
  vr: string,
  items: readonly WrittenElement[][],
  encoding: Encoding,
  itemEncoding = encoding,
): WrittenElement {
  const chunks = [header(tag, vr, UNDEFINED, encoding)];
  for (const elements of items) {
    chunks.push(header(ITEM, "", UNDEFINED, itemEncoding));
    for (const element of elements) for (const chunk of element.chunks) chunks.push(chunk as Buffer<ArrayBuffer>);
    chunks.push(header(ITEM_END, "", 0, itemEncoding));
  }
  chunks.push(header(SEQUENCE_END, "", 0, itemEncoding));
  return { tag, chunks };
}

function header(tag: number, vr: string, length: number, { explicit, littleEndian }: Encoding): Buffer<ArrayBuffer> {
  const delimiter = tag >= ITEM;
  const long = !delimiter && explicit && LONG_VRS.has(vr);
  const bytes = Buffer.alloc(long ? 12 : 8);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  view.setUint16(0, tag >>> 16, littleEndian);
  view.setUint16(2, tag & 0xffff, littleEndian);
  if (!explicit || delimiter) {
    view.setUint32(4, length, littleEndian);
    return bytes;
  }
  bytes.write(vr, 4, "latin1");
  if (long) view.setUint32(8, length, littleEndian);
  else view.setUint16(6, length, littleEndian);
  return bytes;
}
