/** Views of some bytes, in order; copies where their memory is shared, which some functions of Node do not take. */
export function* ordinaryPieces(bytes: Uint8Array, pieceBytes: number): Generator<Uint8Array> {
  const shared = bytes.buffer instanceof SharedArrayBuffer;
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const piece = bytes.subarray(at, at + pieceBytes);
    yield shared ? Uint8Array.from(piece) : piece;
  }
}
