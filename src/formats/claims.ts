import { readCodestreamHeader } from "./codestream.ts";
import { DEFLATE_RATIO } from "./limits.ts";

/**
 * Holds the size that a picture's header claims against the bytes that follow: some formats cannot say so much in so
 * few, whatever the picture shows. WebP and TIFF can, or look for themselves.
 *
 * @throws Error when the claim cannot be true.
 */
export function checkPictureClaim(bytes: Uint8Array, format: string): void {
  const least =
    format === "PNG" ? leastPngBytes(bytes) : format === "JPEG" ? leastJpegBytes(bytes) : leastGif(bytes, format);
  if (bytes.length < least.bytes) {
    throw new Error(`${least.what}, which take ${least.bytes} bytes at least, in a file of ${bytes.length}`);
  }
}

interface Least {
  bytes: number;
  what: string;
}

const NO_CLAIM: Least = { bytes: 0, what: "" };

// Source: W3C PNG, 11.2.1 (IHDR): samples of a pixel by colour type.
const PNG_SAMPLES: Record<number, number> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

function leastPngBytes(bytes: Uint8Array): Least {
  if (bytes.length < 26) return NO_CLAIM;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [width, height] = [view.getUint32(16), view.getUint32(20)];
  const bits = (bytes[24] as number) * (PNG_SAMPLES[bytes[25] as number] ?? 0);
  return { bytes: Math.floor((Math.ceil((width * bits) / 8) * height) / DEFLATE_RATIO), what: pixels(width, height) };
}

function leastJpegBytes(bytes: Uint8Array): Least {
  const header = readCodestreamHeader(bytes);
  return header ? { bytes: header.leastBytes, what: pixels(header.width, header.height) } : NO_CLAIM;
}

/** Pixels that a byte of the best case of LZW stands for, rounded up: strings grow to 3,839 pixels for 12 bits. */
const LZW_PIXELS = 2 ** 12;
/** Below this the frame may be smaller than the canvas as it likes. */
const GIF_FREE_PIXELS = 2 ** 24;

function leastGif(bytes: Uint8Array, format: string): Least {
  if (format !== "GIF" || bytes.length < 10) return NO_CLAIM;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [width, height] = [view.getUint16(6, true), view.getUint16(8, true)];
  if (width * height <= GIF_FREE_PIXELS) return NO_CLAIM;
  return { bytes: Math.floor((width * height) / LZW_PIXELS), what: pixels(width, height) };
}

function pixels(width: number, height: number): string {
  return `${width}×${height} pixels`;
}
