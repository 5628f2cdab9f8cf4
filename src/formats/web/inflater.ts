import { type Inflater, UnpacksTooFar } from "../inflater.ts";
import { Inflate } from "./generated/pako.js";

const CHUNK = 2 ** 20;
/** zlib's names of its window, by what is around the deflated bytes. */
const WINDOW = { raw: -15, zlib: 15, gzip: 31 } as const;
const SYNC_FLUSH = 2;
const FINISH = 4;
/** What zlib in Node says of those ends for which pako has no words. */
const WORDS: Readonly<Record<number, string>> = { 2: "Missing dictionary", [-5]: "unexpected end of file" };

/**
 * pako. The browser's own DecompressionStream refuses what zlib reads and files have: bytes behind the end of a stream
 * (DICOM pads to even lengths), and further members of gzip.
 */
export const pageInflater: Inflater = {
  inflate: (bytes, { wrap, limit, partial }) => {
    const pieces: Uint8Array[] = [];
    let length = 0;
    unpack(bytes, WINDOW[wrap], partial ? SYNC_FLUSH : FINISH, (piece) => {
      length += piece.length;
      if (length > limit) throw new UnpacksTooFar(`Cannot create a Buffer larger than ${limit} bytes`);
      pieces.push(piece);
    });
    const whole = new Uint8Array(length);
    let at = 0;
    for (const piece of pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    return whole;
  },
  gunzip: async (bytes, take) => {
    const enough = new Error("enough");
    try {
      unpack(bytes, WINDOW.gzip, FINISH, (piece) => {
        if (!take(piece)) throw enough;
      });
    } catch (error) {
      if (error !== enough) throw error;
    }
  },
};

/** Hands over each piece as it comes; what `onPiece` throws ends the work. @throws Error in zlib's words. */
function unpack(bytes: Uint8Array, windowBits: number, flush: number, onPiece: (piece: Uint8Array) => void): void {
  const inflate = new Inflate({ windowBits, chunkSize: CHUNK });
  inflate.onData = onPiece;
  let ended = 0;
  inflate.onEnd = (status) => {
    ended = status;
  };
  inflate.push(bytes, flush);
  if (ended !== 0) throw new Error(WORDS[ended] ?? inflate.strm.msg);
}
