// Writes pickles byte by byte, by the list of opcodes in Python's pickletools, for tests of what reads them.

/** Bytes, or text that stands for its Latin-1 bytes. */
export type Piece = Uint8Array | string;

export function join(...pieces: Piece[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(
    Buffer.concat(pieces.map((piece) => (typeof piece === "string" ? Buffer.from(piece, "latin1") : piece))),
  );
}

export function uint32(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

export function uint64(value: number): Uint8Array {
  return new Uint8Array(BigUint64Array.of(BigInt(value)).buffer);
}

export const none = "N";
export const str = (text: string) => join("X", uint32(Buffer.byteLength(text)), Buffer.from(text));
/** Python ints as pickle writes them: small ones in 4 bytes, others as a long of 8. */
export const int = (value: number) =>
  value >= 0 && value < 2 ** 31
    ? join("J", uint32(value))
    : join("\x8a\x08", new Uint8Array(BigInt64Array.of(BigInt(value)).buffer));
export const tuple = (...items: Piece[]) => join("(", ...items, "t");
export const list = (...items: Piece[]) => join("](", ...items, "e");
export const dict = (entries: Readonly<Record<string, Piece>>) =>
  join("}(", ...Object.entries(entries).flatMap(([key, value]) => [str(key), value]), "u");
export const global = (module: string, name: string) => join("c", `${module}\n${name}\n`);
export const call = (module: string, name: string, ...args: Piece[]) => join(global(module, name), tuple(...args), "R");
export const object = (module: string, name: string, state: Piece) => join(global(module, name), ")\x81", state, "b");
export const pickle = (body: Piece, protocol = 2) => join("\x80", Uint8Array.of(protocol), body, ".");
