import { crc32 } from "node:zlib";
import { join, uint32, uint64 } from "./pickle-writer.ts";

// Writes zip archives by PKWARE's APPNOTE, honest ones and others, for tests of what reads them.

export interface ZipEntry {
  name: string;
  bytes: Uint8Array;
  /** Other than the true ones. */
  crc?: number;
  method?: number;
  size?: number;
  flags?: number;
}

const uint16 = (value: number) => Uint8Array.of(value & 255, value >>> 8);
const FULL = 0xffffffff;

/** @param zip64 sizes and places stand in the fields of zip64. */
export function zipOf(entries: readonly ZipEntry[], zip64 = false): Uint8Array<ArrayBuffer> {
  const body: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  for (const { name, bytes, crc = crc32(bytes), method = 0, size = bytes.length, flags = 0x800 } of entries) {
    const title = Buffer.from(name);
    const wide = zip64 ? join(uint16(1), uint16(24), uint64(size), uint64(bytes.length), uint64(at)) : new Uint8Array();
    const sizes = zip64 ? [uint32(FULL), uint32(FULL)] : [uint32(bytes.length), uint32(size)];
    const facts = join(uint16(zip64 ? 45 : 20), uint16(flags), uint16(method), uint32(0), uint32(crc), ...sizes);
    const local = join("PK\x03\x04", facts, uint16(title.length), uint16(0), title, bytes);
    const place = uint32(zip64 ? FULL : at);
    const lengths = join(uint16(title.length), uint16(wide.length), uint16(0), uint16(0), uint16(0), uint32(0), place);
    body.push(local);
    directory.push(join("PK\x01\x02", uint16(45), facts, lengths, title, wide));
    at += local.length;
  }
  const list = join(...directory);
  const count = entries.length;
  const end64 = join(
    "PK\x06\x06",
    uint64(44),
    uint16(45),
    uint16(45),
    uint32(0),
    uint32(0),
    uint64(count),
    uint64(count),
  );
  const locator = join("PK\x06\x07", uint32(0), uint64(at + list.length), uint32(1));
  const wide = zip64 ? join(end64, uint64(list.length), uint64(at), locator) : new Uint8Array();
  const counts = zip64 ? join(uint16(0xffff), uint16(0xffff)) : join(uint16(count), uint16(count));
  const places = zip64 ? join(uint32(FULL), uint32(FULL)) : join(uint32(list.length), uint32(at));
  return join(...body, list, wide, "PK\x05\x06", uint16(0), uint16(0), counts, places, uint16(0));
}
