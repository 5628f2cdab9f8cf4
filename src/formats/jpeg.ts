import { hasJpegEnd, readCodestreamHeader } from "./codestream.ts";
import type { SourceImage } from "./source-image.ts";

/** The part of libjpeg-turbo's WebAssembly build that is used here. */
interface JpegDecoder {
  /** Memory of the codec for a file of this many bytes. */
  getEncodedBuffer(bytes: number): Uint8Array;
  decode(): void;
  /** A view of the codec's memory: uint8 [h, w, C]. */
  getDecodedBuffer(): Uint8ClampedArray;
}

export interface JpegModule {
  JPEGDecoder: new () => JpegDecoder;
}

// Larger pictures are worth the start of a libvips pipeline, and would keep the codec's memory large for good.
const WORTHWHILE_PIXELS = 1 << 24;
const EXIF = 0xe1;
const ADOBE = 0xee;
const SCAN = 0xda;

/** The codec of ordinary JPEG files. */
export interface PlainJpegDecoder {
  /** @returns uint8 [h, w, C]; undefined for a file that the codec refuses. @throws where the codec cannot be had. */
  decode(bytes: Uint8Array): Promise<Uint8Array | undefined>;
}

/** The decoder on libjpeg-turbo. @param load starts it; called when it is first needed, and again after a damaged file. */
export function turboDecoder(load: () => Promise<JpegModule>): PlainJpegDecoder {
  let decoder: Promise<JpegDecoder> | undefined;
  return {
    decode: async (bytes) => {
      decoder ??= load().then(
        ({ JPEGDecoder }) => new JPEGDecoder(),
        (cause) => {
          decoder = undefined;
          throw cause;
        },
      );
      const codec = await decoder;
      try {
        codec.getEncodedBuffer(bytes.length).set(bytes);
        codec.decode();
        return new Uint8Array(codec.getDecodedBuffer());
      } catch {
        // What a damaged file leaves in the codec's memory would spoil the next picture: it starts afresh.
        decoder = undefined;
        return undefined;
      }
    },
  };
}

/**
 * Decodes an ordinary JPEG file: whole, of 8 bits, grey or YCbCr, upright. Four times as fast as a libvips pipeline for
 * small pictures, whose start outweighs them; to the byte the same.
 *
 * @returns undefined for any other JPEG, and for one that the codec refuses: libvips decides about it.
 */
export async function decodePlainJpeg(
  bytes: Uint8Array,
  mostPixels: number,
  decoder: PlainJpegDecoder,
): Promise<SourceImage | undefined> {
  const header = readCodestreamHeader(bytes);
  if (header?.kind !== "jpeg8" || (header.components !== 1 && header.components !== 3)) return undefined;
  const { width, height, components: channels } = header;
  if (width * height > Math.min(mostPixels, WORTHWHILE_PIXELS) || !isPlain(bytes) || !hasJpegEnd(bytes))
    return undefined;
  const values = await decoder.decode(bytes);
  if (values?.length !== width * height * channels) return undefined;
  return { width, height, channels, values, windows: [], inverted: false, levels: [0, 255] };
}

/** Whether no marker turns the picture or names another colour space. */
function isPlain(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 2; at + 4 <= bytes.length && bytes[at] === 0xff; ) {
    const marker = bytes[at + 1];
    if (marker === SCAN) return true;
    if (marker === ADOBE) return false;
    const length = view.getUint16(at + 2);
    if (marker === EXIF && turns(bytes.subarray(at + 4, at + 2 + length))) return false;
    at += 2 + length;
  }
  return false;
}

const ORIENTATION = 0x0112;

/** Whether an application segment is Exif data with another orientation than upright. Source: CIPA DC-008, TIFF 6. */
function turns(segment: Uint8Array): boolean {
  if (String.fromCharCode(...segment.subarray(0, 6)) !== "Exif\0\0" || segment.length < 14) return false;
  const tiff = new DataView(segment.buffer, segment.byteOffset + 6, segment.length - 6);
  const little = tiff.getUint16(0) === 0x4949;
  const start = tiff.getUint32(4, little);
  if (start + 2 > tiff.byteLength) return false;
  const entries = tiff.getUint16(start, little);
  for (let entry = 0, at = start + 2; entry < entries && at + 12 <= tiff.byteLength; entry++, at += 12) {
    if (tiff.getUint16(at, little) === ORIENTATION) return tiff.getUint16(at + 8, little) > 1;
  }
  return false;
}
