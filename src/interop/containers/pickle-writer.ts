// Writes pickles by the list of opcodes in Python's pickletools: what protocol 2 has for texts, numbers, tuples, dictionaries
// and calls.

/** Bytes, or text that stands for its Latin-1 bytes. */
export type Piece = Uint8Array | string;

/** All in one memory. */
export function join(...pieces: Piece[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(
    Buffer.concat(pieces.map((piece) => (typeof piece === "string" ? Buffer.from(piece, "latin1") : piece))),
  );
}

/** Little-endian, in 4 bytes. */
export function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

/** Little-endian, in 8 bytes. */
export function uint64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, BigInt(value)), true);
  return bytes;
}

/** A str of Python. */
export const str = (text: string) => join("X", uint32(Buffer.byteLength(text)), Buffer.from(text));
/** An int of Python as pickle writes it: small ones in 4 bytes, others as a long of 8. */
export const int = (value: number) =>
  value >= 0 && value < 2 ** 31 ? join("J", uint32(value)) : join("\x8a\x08", uint64(value));
export const tuple = (...items: Piece[]) => join("(", ...items, "t");
/** Sets entries of the dictionary that stands before it. */
export const entries = (of: Iterable<readonly [string, Piece]>) =>
  join("(", ...[...of].flatMap(([key, value]) => [str(key), value]), "u");
export const global = (module: string, name: string) => join("c", `${module}\n${name}\n`);
export const call = (module: string, name: string, ...args: Piece[]) => join(global(module, name), tuple(...args), "R");
/** A whole pickle of one value. */
export const pickle = (body: Piece, protocol = 2) => join("\x80", Uint8Array.of(protocol), body, ".");
