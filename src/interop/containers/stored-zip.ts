import { crc32 } from "node:zlib";
import { ordinaryPieces } from "../../support/files/ordinary-pieces.ts";
import { join, type Piece, uint32, uint64 } from "./pickle-writer.ts";

/** A file of a zip archive. */
export interface EntryToStore {
  name: string;
  bytes: Uint8Array;
}

/** PyTorch maps tensors into memory from here. */
const ALIGNMENT = 64;
/** Bytes that are summed at a time. */
const PIECE_BYTES = 1 << 24;
/** Stands where the number is in a field of zip64. */
const FULL = 0xffffffff;
const FULL_COUNT = 0xffff;

/**
 * The bytes of a zip archive by PKWARE's APPNOTE, in order, without joining the entries: stored, with checksums, and each
 * aligned to 64 bytes as torch.save does it.
 *
 * @param largest a size or place beyond it stands in the fields of zip64; less than what 32 bits hold for tests alone.
 */
export function storedZip(entries: readonly EntryToStore[], largest = FULL - 1): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  for (const { name, bytes } of entries) {
    const title = Buffer.from(name);
    const size = bytes.length;
    const isWide = size > largest;
    const isFar = at > largest;
    const sizes = isWide ? [uint64(size), uint64(size)] : [];
    const short = uint32(isWide ? FULL : size);
    // From the version on: 4.5 knows zip64; names in UTF-8; stored; no time.
    const facts = [uint16(45), uint16(0x800), uint16(0), uint32(0), uint32(checksum(bytes)), short, short];
    const wide = isWide ? field(uint16(1), ...sizes) : "";
    // A field that readers pass by; its own head takes 4 bytes.
    const unpadded = at + 30 + title.length + wide.length + 4;
    const extra = join(wide, field("FB", "Z".repeat((ALIGNMENT - (unpadded % ALIGNMENT)) % ALIGNMENT)));
    const local = join("PK\x03\x04", ...facts, uint16(title.length), uint16(extra.length), title, extra);
    const far = isWide || isFar ? field(uint16(1), ...sizes, isFar ? uint64(at) : "") : "";
    const lengths = [uint16(title.length), uint16(far.length), uint16(0)];
    // On the first disk, with no attributes.
    const place = [uint16(0), uint16(0), uint32(0), uint32(isFar ? FULL : at)];
    directory.push(join("PK\x01\x02", uint16(45), ...facts, ...lengths, ...place, title, far));
    chunks.push(local, bytes);
    at += local.length + size;
  }
  const list = join(...directory);
  return [...chunks, list, ending(entries.length, list.length, at, largest)];
}

function ending(count: number, bytes: number, at: number, largest: number): Uint8Array {
  const isWide = count >= FULL_COUNT || bytes > largest || at > largest;
  const counts = [uint64(count), uint64(count), uint64(bytes), uint64(at)];
  const end64 = join("PK\x06\x06", uint64(44), uint16(45), uint16(45), uint32(0), uint32(0), ...counts);
  const wide = isWide ? join(end64, "PK\x06\x07", uint32(0), uint64(at + bytes), uint32(1)) : new Uint8Array();
  const short = uint16(isWide ? FULL_COUNT : count);
  const places = isWide ? [uint32(FULL), uint32(FULL)] : [uint32(bytes), uint32(at)];
  return join(wide, "PK\x05\x06", uint16(0), uint16(0), short, short, ...places, uint16(0));
}

/** A field behind an entry's name. */
function field(id: Piece, ...content: Piece[]): Uint8Array {
  const body = join(...content);
  return join(id, uint16(body.length), body);
}

function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (const piece of ordinaryPieces(bytes, PIECE_BYTES)) sum = crc32(piece, sum);
  return sum;
}

function uint16(value: number): Uint8Array {
  return Uint8Array.of(value & 255, value >>> 8);
}
