import { halfValue } from "../support/half.ts";
import type { Inflater } from "./inflater.ts";
import type { DecodeLimits } from "./limits.ts";
import type { PictureSamples } from "./picture-decoder.ts";
import { sameType } from "./row-major.ts";
import { unpackBlock } from "./tiff-codecs.ts";
import type { TiffPage } from "./tiff-directory.ts";
import { type NumericType, newArray, swapBytes, viewAs } from "./typed-arrays.ts";

/** Whether libvips would cut the samples off or refuse them: 16-bit signed, 16-bit and 64-bit floats. */
export function cutByLibvips({ bits, sampleFormat }: TiffPage): boolean {
  return (
    (bits === 16 && (sampleFormat === SIGNED || sampleFormat === FLOAT)) || (bits === 64 && sampleFormat === FLOAT)
  );
}

const SIGNED = 2;
const FLOAT = 3;

const TYPES: Record<string, NumericType | "float16"> = {
  "1 of 8": "uint8",
  "1 of 16": "uint16",
  "1 of 32": "uint32",
  "2 of 8": "int8",
  "2 of 16": "int16",
  "2 of 32": "int32",
  "3 of 16": "float16",
  "3 of 32": "float32",
  "3 of 64": "float64",
};

/**
 * Reads one page of grey or RGB samples of 8 to 64 bits: strips or tiles, interleaved or planar, not packed or packed by
 * LZW, Deflate or PackBits, with any predictor. Samples beyond the colours (alpha) are left out. Levels of 8 and 16 bits
 * of which 0 is white are turned around.
 *
 * @throws Error when the page is damaged, larger than the limits or of another kind.
 * Source: TIFF 6.0; the floating-point predictor is Adobe's Technical Note 3.
 */
export function readTiffSamples(
  bytes: Uint8Array,
  page: TiffPage,
  limits: DecodeLimits,
  inflater: Inflater,
): PictureSamples {
  const { width, height, samples, bits, blockWidth, blockHeight, planar } = page;
  const type = TYPES[`${page.sampleFormat} of ${bits}`];
  if (!type) throw new Error(`TIFF samples of ${bits} bits`);
  if (!(width > 0 && height > 0 && width * height <= limits.pixels)) {
    throw new Error(`a TIFF page of ${width}×${height} pixels`);
  }
  const channels = page.photometric === 2 && samples >= 3 ? 3 : 1;
  if (page.photometric > 2 || samples < 1 || samples > 16) {
    throw new Error(`a TIFF page of ${samples} samples and photometric interpretation ${page.photometric}`);
  }
  const separate = planar === 2;
  const inBlock = separate ? 1 : samples;
  const across = Math.ceil(width / blockWidth);
  const down = Math.ceil(height / blockHeight);
  const blocks = across * down * (separate ? channels : 1);
  const size = bits / 8;
  const blockBytes = blockWidth * blockHeight * inBlock * size;
  const most = Math.max(blockBytes, width * height * channels * size);
  if (!(blockBytes > 0 && most <= limits.decodedBytes) || page.offsets.length < blocks) {
    throw new Error(`a TIFF page of ${page.offsets.length} of ${blocks} blocks of ${blockWidth}×${blockHeight}`);
  }
  const values = newArray(type === "float16" ? "float32" : type, width * height * channels);
  for (let block = 0; block < blocks; block++) {
    const plane = Math.floor(block / (across * down));
    const x0 = (block % across) * blockWidth;
    const y0 = (Math.floor(block / across) % down) * blockHeight;
    const rows = page.tiled ? blockHeight : Math.min(blockHeight, height - y0);
    const decoded = decodeBlock(bytes, page, block, rows * blockWidth * inBlock * size, inBlock, inflater);
    const read = type === "float16" ? Float32Array.from(viewAs("uint16", decoded), halfValue) : viewAs(type, decoded);
    const columns = Math.min(blockWidth, width - x0);
    for (let y = 0; y < Math.min(rows, height - y0); y++) {
      const from = y * blockWidth * inBlock;
      const to = ((y0 + y) * width + x0) * channels;
      if (inBlock === channels) {
        values.set(read.subarray(from, from + columns * inBlock), to);
        continue;
      }
      for (let x = 0; x < columns; x++) {
        for (let channel = 0; channel < (separate ? 1 : channels); channel++) {
          values[to + x * channels + (separate ? plane : channel)] = read[from + x * inBlock + channel] as number;
        }
      }
    }
  }
  const white = type === "uint8" ? 255 : type === "uint16" ? 65_535 : 0;
  if (page.photometric === 0 && white > 0) {
    for (let at = 0; at < values.length; at++) values[at] = white - (values[at] as number);
  }
  return turn({ width, height, channels, values }, page.orientation);
}

/** One block's bytes, unpacked, in this machine's order and without a predictor. */
function decodeBlock(
  bytes: Uint8Array,
  page: TiffPage,
  block: number,
  length: number,
  samples: number,
  inflater: Inflater,
): Uint8Array {
  const { compression, predictor, bits, littleEndian, blockWidth } = page;
  const start = page.offsets[block] as number;
  const count = page.byteCounts[block] ?? (compression === 1 ? length : bytes.length - start);
  if (start + Math.min(count, compression === 1 ? length : count) > bytes.length) {
    throw new Error(`a TIFF block that ends at byte ${start + count} of ${bytes.length}`);
  }
  const unpacked = unpackBlock(bytes.subarray(start, start + count), compression, length, inflater);
  const size = bits / 8;
  const rowBytes = blockWidth * samples * size;
  if (predictor === 3) return joinFloatPlanes(unpacked, rowBytes, size, samples);
  if (!littleEndian) swapBytes(unpacked, size);
  if (predictor === 2) return sumAlongRows(unpacked, rowBytes, size, samples);
  if (predictor !== 1) throw new Error(`a TIFF of predictor ${predictor}`);
  return unpacked;
}

/** Undoes the horizontal predictor: each sample is the sum of those of its colour before it in the row. */
function sumAlongRows(rows: Uint8Array, rowBytes: number, size: number, samples: number): Uint8Array {
  if (size > 4) throw new Error(`a TIFF of predictor 2 on samples of ${size * 8} bits`);
  const numbers = viewAs(size === 1 ? "uint8" : size === 2 ? "uint16" : "uint32", rows);
  const row = rowBytes / size;
  for (let start = 0; start < numbers.length; start += row) {
    for (let at = start + samples; at < start + row; at++) {
      numbers[at] = (numbers[at] as number) + (numbers[at - samples] as number);
    }
  }
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}

/** Undoes the floating-point predictor: rows of bytes by significance, the highest first, each the sum so far. */
function joinFloatPlanes(rows: Uint8Array, rowBytes: number, size: number, samples: number): Uint8Array {
  const joined = new Uint8Array(rows.length);
  const count = rowBytes / size;
  for (let row = 0; row < rows.length; row += rowBytes) {
    for (let at = row + samples; at < row + rowBytes; at++) {
      rows[at] = (rows[at] as number) + (rows[at - samples] as number);
    }
    for (let sample = 0; sample < count; sample++) {
      for (let byte = 0; byte < size; byte++) {
        joined[row + sample * size + (size - 1 - byte)] = rows[row + byte * count + sample] as number;
      }
    }
  }
  return joined;
}

/** Turns a page as its orientation tag says. Source: TIFF 6.0, tag 274. */
function turn(page: PictureSamples, orientation: number): PictureSamples {
  if (!(orientation > 1 && orientation <= 8)) return page;
  const { width, height, channels, values } = page;
  const swapped = orientation >= 5;
  const mirrored = [2, 3, 7, 8].includes(orientation);
  const upsideDown = [3, 4, 6, 7].includes(orientation);
  const size = swapped ? { width: height, height: width } : { width, height };
  const turned = sameType(values, values.length);
  for (let y = 0, to = 0; y < size.height; y++) {
    for (let x = 0; x < size.width; x++) {
      const column = swapped ? y : x;
      const row = swapped ? x : y;
      const from =
        ((upsideDown ? height - 1 - row : row) * width + (mirrored ? width - 1 - column : column)) * channels;
      for (let channel = 0; channel < channels; channel++) turned[to++] = values[from + channel] as number;
    }
  }
  return { ...size, channels, values: turned };
}
