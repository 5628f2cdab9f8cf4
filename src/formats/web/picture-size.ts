/** Width and height by the header of a PNG, WebP or GIF file; undefined where it is cut short or of another kind. */
export function pictureSize(
  bytes: Uint8Array,
  format: "PNG" | "WebP" | "GIF",
): { width: number; height: number } | undefined {
  if (bytes.length < 30) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (format === "PNG") return { width: view.getUint32(16), height: view.getUint32(20) };
  if (format === "GIF") return { width: view.getUint16(6, true), height: view.getUint16(8, true) };
  // Source: RFC 9649 (the chunks), RFC 6386 (VP8: 14 bits each).
  switch (String.fromCharCode(...bytes.subarray(12, 16))) {
    case "VP8X":
      return { width: uint24(view, 24) + 1, height: uint24(view, 27) + 1 };
    case "VP8 ":
      return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
    case "VP8L": {
      const sizes = view.getUint32(21, true);
      return { width: (sizes & 0x3fff) + 1, height: ((sizes >> 14) & 0x3fff) + 1 };
    }
    default:
      return undefined;
  }
}

function uint24(view: DataView, at: number): number {
  return view.getUint16(at, true) + view.getUint8(at + 2) * 0x10000;
}
