import type { RasterImage } from "./raster.ts";

/** Positions and sizes that the header gives. */
interface Header {
  width: number;
  height: number;
  topDown: boolean;
  bits: number;
  pixelsAt: number;
  rowBytes: number;
  /** Red, green, blue bit masks of 16- and 32-bit pixels. */
  masks: [number, number, number];
  /** [entries, 3], red green blue, of 1-, 4- and 8-bit pixels. */
  palette: Uint8Array;
}

const BITFIELDS = 3;
const ALPHA_BITFIELDS = 6;

/** Whether bytes start as a Windows bitmap, which sharp's prebuilt libvips does not read. */
export function isBmp(bytes: Uint8Array): boolean {
  return bytes.length > 26 && bytes[0] === 0x42 && bytes[1] === 0x4d;
}

/**
 * Decodes an uncompressed Windows bitmap of 1, 4, 8, 16, 24 or 32 bits into uint8 [h, w, C]; a palette of greys alone
 * gives one channel. Alpha is ignored, since most writers leave it 0.
 *
 * @throws Error when the header is not understood, the pixels are compressed, or the file is cut short.
 */
export function decodeBmp(bytes: Uint8Array, maxPixels: number): RasterImage {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = readHeader(view, maxPixels);
  const { width, height, bits, palette } = header;
  const grey = bits <= 8 && isGrey(palette);
  const channels = grey ? 1 : 3;
  const pixels = new Uint8Array(width * height * channels);
  const readPixel = bits <= 8 ? paletteReader(bytes, header) : colorReader(view, header);
  const rgb = new Uint8Array(3);
  for (let y = 0, to = 0; y < height; y++) {
    const row = header.pixelsAt + (header.topDown ? y : height - 1 - y) * header.rowBytes;
    for (let x = 0; x < width; x++, to += channels) {
      readPixel(row, x, rgb);
      for (let channel = 0; channel < channels; channel++) pixels[to + channel] = rgb[channel] as number;
    }
  }
  return { width, height, channels, pixels };
}

function readHeader(view: DataView, maxPixels: number): Header {
  const headerSize = view.getUint32(14, true);
  if (headerSize < 40) throw new Error(`a bitmap header of ${headerSize} bytes`);
  const width = view.getInt32(18, true);
  const signedHeight = view.getInt32(22, true);
  const height = Math.abs(signedHeight);
  const bits = view.getUint16(28, true);
  const compression = view.getUint32(30, true);
  if (![1, 4, 8, 16, 24, 32].includes(bits)) throw new Error(`a bitmap of ${bits} bits a pixel`);
  const masked = (compression === BITFIELDS || compression === ALPHA_BITFIELDS) && (bits === 16 || bits === 32);
  if (compression !== 0 && !masked) throw new Error(`a bitmap of compression ${compression}`);
  if (width <= 0 || height === 0 || width * height > maxPixels)
    throw new Error(`a bitmap of ${width}×${height} pixels`);
  const pixelsAt = view.getUint32(10, true);
  const rowBytes = Math.ceil((width * bits) / 32) * 4;
  const needed = pixelsAt + rowBytes * height;
  if (view.byteLength < needed) throw new Error(`a bitmap cut short: ${view.byteLength} of ${needed} bytes`);

  const masks: Header["masks"] = bits === 16 ? [0x7c00, 0x03e0, 0x001f] : [0xff0000, 0xff00, 0xff];
  if (masked) for (let channel = 0; channel < 3; channel++) masks[channel] = view.getUint32(54 + channel * 4, true);
  const entries = bits <= 8 ? view.getUint32(46, true) || 1 << bits : 0;
  if (entries > 256) throw new Error(`a bitmap palette of ${entries} colours`);
  const palette = new Uint8Array(entries * 3);
  for (let at = 0; at < palette.length; at++) {
    palette[at] = view.getUint8(14 + headerSize + Math.floor(at / 3) * 4 + 2 - (at % 3));
  }
  return { width, height, topDown: signedHeight < 0, bits, pixelsAt, rowBytes, masks, palette };
}

function isGrey(palette: Uint8Array): boolean {
  return palette.every((value, at) => value === palette[at - (at % 3)]);
}

type PixelReader = (row: number, x: number, rgb: Uint8Array) => void;

function paletteReader(bytes: Uint8Array, { bits, palette }: Header): PixelReader {
  const perByte = 8 / bits;
  return (row, x, rgb) => {
    const packed = bytes[row + Math.floor(x / perByte)] as number;
    const entry = (packed >> (8 - bits * ((x % perByte) + 1))) & ((1 << bits) - 1);
    for (let channel = 0; channel < 3; channel++) rgb[channel] = palette[entry * 3 + channel] ?? 0;
  };
}

function colorReader(view: DataView, { bits, masks }: Header): PixelReader {
  if (bits === 24) {
    return (row, x, rgb) => {
      for (let channel = 0; channel < 3; channel++) rgb[channel] = view.getUint8(row + x * 3 + 2 - channel);
    };
  }
  const channels = masks.map((mask) => {
    const shift = mask === 0 ? 0 : 31 - Math.clz32(mask & -mask);
    return { mask, shift, top: Math.max(1, mask >>> shift) };
  });
  return (row, x, rgb) => {
    const value = bits === 16 ? view.getUint16(row + x * 2, true) : view.getUint32(row + x * 4, true);
    channels.forEach(({ mask, shift, top }, channel) => {
      rgb[channel] = Math.round((((value & mask) >>> shift) * 255) / top);
    });
  };
}
