import type { CodestreamHeader } from "../codestream.ts";
import type { Inflater } from "../inflater.ts";
import type { DecodeLimits } from "../limits.ts";
import type { FormatPorts } from "../ports.ts";
import type { NumericArray } from "../source-image.ts";
import { swapBytes } from "../typed-arrays.ts";
import { type DecodedFrame, decodeCodestream } from "./codecs.ts";
import { expand422, ybrFullToRgb, ybrPartialToRgb } from "./color.ts";
import type { Fragment } from "./data-set.ts";
import { dataError } from "./errors.ts";
import { type DicomFile, inflate } from "./file.ts";
import { joinFragments, splitFrames } from "./frames.ts";
import type { ImageInfo } from "./image-info.ts";
import { decodeRle } from "./rle.ts";
import { interleave, keepBits, readSamples, sampleArray } from "./samples.ts";
import type { Coding } from "./transfer-syntax.ts";

export type UnusedBits = "clear" | "keep";

/** Frames of a file, decoded one at a time. */
export interface PixelSource {
  frames: number;
  /**
   * [rows, columns, samples] as pydicom's `pixel_array` has them: YBR turned to RGB, unused bits cleared.
   *
   * @param exact honours what pydicom leaves out of account as well: High Bit, and YBR_PARTIAL's colours.
   * @param unused what becomes of bits that are allocated but not stored. Default `clear`.
   */
  frame(index: number, exact: boolean, unused?: UnusedBits): Promise<NumericArray>;
}

/** @throws MsmaeError Data where the pixel data is short, or coded in a way that is not known. */
export function pixelSource(
  file: DicomFile,
  info: ImageInfo,
  where: string,
  limits: DecodeLimits,
  ports: FormatPorts,
): PixelSource {
  return info.pixels.fragments ? encapsulated(file, info, where, limits, ports) : native(file, info, where, limits);
}

function native(file: DicomFile, info: ImageInfo, where: string, limits: DecodeLimits): PixelSource {
  const { dataSet, syntax } = file;
  const { pixels, bitsAllocated, samples } = info;
  const area = info.rows * info.columns;
  if (syntax && syntax.coding !== "native") {
    throw dataError(where, `pixel data encapsulated for ${syntax.name}`, "plain pixel data", "repair the file");
  }
  const shared = info.photometric === "YBR_FULL_422" || info.photometric === "YBR_PARTIAL_422";
  // Two pixels in four samples; files that name a 4:2:2 space but hold all samples are common enough.
  const all = Math.ceil((area * samples * info.frames * bitsAllocated) / 8);
  const packed = shared && !info.planar && bitsAllocated === 8 && pixels.length + pixels.missing < all;
  const frameSamples = packed ? area * 2 : area * samples;
  const frameBits = frameSamples * bitsAllocated;
  const needed = Math.ceil((frameBits * info.frames) / 8);
  if (pixels.length < needed) {
    const got = `${pixels.length}, ${needed - pixels.length} bytes missing`;
    throw dataError(where, `${needed} bytes of pixel data`, got, "fetch the file again");
  }
  const bytes = swapsBytes(file, info) ? swapPairs(dataSet.raw(pixels)) : dataSet.raw(pixels);
  // What is left may hold further frames than the file counts; anything less is padding.
  const frames = packed ? info.frames : Math.floor((bytes.length * 8) / frameBits);
  return {
    frames: frames > info.frames && bitsAllocated >= 8 && frames <= limits.frames ? frames : info.frames,
    frame: async (index, exact, unused) => {
      const firstBit = index * frameBits;
      const from = Math.floor(firstBit / 8);
      const part = bytes.subarray(from, Math.ceil((firstBit + frameBits) / 8));
      let values = readSamples(part, info, firstBit % 8, frameSamples, dataSet.encoding.littleEndian);
      if (packed) values = expand422(values as Uint8Array, area);
      else if (info.planar) values = interleave(values, samples);
      return toRgb(clearUnused(values, info, exact, unused), info.photometric, exact);
    },
  };
}

// Bytes written as 16-bit words of a big endian file stand in pairs the wrong way round.
function swapsBytes({ dataSet }: DicomFile, { pixels, container, float, bitsAllocated }: ImageInfo): boolean {
  if (dataSet.encoding.littleEndian || float || pixels.vr !== "OW") return false;
  return bitsAllocated !== 1 && (container === 8 || bitsAllocated !== container);
}

function swapPairs(bytes: Uint8Array): Uint8Array {
  const even = new Uint8Array(bytes.subarray(0, bytes.length - (bytes.length % 2)));
  swapBytes(even, 2);
  return even;
}

function clearUnused(values: NumericArray, info: ImageInfo, exact: boolean, unused?: UnusedBits): NumericArray {
  if (info.float || info.bitsAllocated === 1 || unused === "keep") return values;
  return keepBits(values, info.bitsStored, exact ? info.highBit - info.bitsStored + 1 : 0);
}

function toRgb(values: NumericArray, photometric: string, exact: boolean): NumericArray {
  if (!photometric.startsWith("YBR")) return values;
  if (!(values instanceof Uint8Array)) throw new Error(`${photometric} of other than 8 unsigned bits`);
  if (photometric.startsWith("YBR_FULL")) ybrFullToRgb(values);
  if (photometric.startsWith("YBR_PARTIAL") && exact) ybrPartialToRgb(values);
  return values;
}

function encapsulated(
  file: DicomFile,
  info: ImageInfo,
  where: string,
  limits: DecodeLimits,
  { codestreams, inflater }: FormatPorts,
): PixelSource {
  const { dataSet } = file;
  const groups = splitFrames(dataSet, info.pixels, info.frames, where);
  const coding = codingOf(file, groups, where);
  return {
    frames: info.frames,
    frame: async (index, exact, unused) => {
      const bytes = joinFragments(dataSet.bytes, groups[index] as Fragment[]);
      const place = info.frames > 1 ? `${where}, frame ${index}` : where;
      if (coding === "jpeg") {
        const decoded = await decodeCodestream(bytes, info, place, codestreams);
        return fromCodestream(decoded, info, { exact, unused }, place);
      }
      const plain = coding === "deflate" ? inflateFrame(bytes, info, place, limits, inflater) : bytes;
      const values = plainSamples(plain, coding, info, place);
      return toRgb(clearUnused(values, info, exact, unused), info.photometric, exact);
    },
  };
}

// Without a known transfer syntax, the first frame's bytes have to tell.
function codingOf({ dataSet, syntax, syntaxUid }: DicomFile, groups: Fragment[][], where: string): Coding {
  if (syntax && syntax.coding !== "native") return syntax.coding;
  const bytes = joinFragments(dataSet.bytes, groups[0] as Fragment[]);
  if (bytes[0] === 0xff && (bytes[1] === 0xd8 || bytes[1] === 0x4f)) return "jpeg";
  if (syntaxUid === "1.2.840.10008.1.2.1.98") return "native";
  const got = syntaxUid ?? "no transfer syntax, and pixel data of an unknown kind";
  throw dataError(where, "a transfer syntax whose pixels can be decoded", got, "convert the file to another syntax");
}

function bytesOfFrame({ rows, columns, samples, bitsAllocated }: ImageInfo): number {
  return Math.ceil((rows * columns * samples * bitsAllocated) / 8);
}

function inflateFrame(
  bytes: Uint8Array,
  info: ImageInfo,
  where: string,
  limits: DecodeLimits,
  inflater: Inflater,
): Uint8Array {
  const decodedBytes = Math.min(limits.decodedBytes, bytesOfFrame(info) + info.container);
  return inflate(bytes, where, { decodedBytes, inflater });
}

function plainSamples(
  bytes: Uint8Array,
  coding: "rle" | "deflate" | "native",
  info: ImageInfo,
  where: string,
): NumericArray {
  const { bitsAllocated, samples } = info;
  const area = info.rows * info.columns;
  const frameBytes = bytesOfFrame(info);
  if (coding === "rle") {
    const bytesEach = Math.ceil(bitsAllocated / 8);
    const planes = decodeRle(bytes, samples * bytesEach, bitsAllocated === 1 ? frameBytes : area, where);
    return bitsAllocated === 1 ? readSamples(planes, info, 0, area * samples, true) : fromPlanes(planes, info, area);
  }
  if (bytes.length < frameBytes) {
    const got = `${bytes.length}, ${frameBytes - bytes.length} bytes missing`;
    throw dataError(where, `${frameBytes} bytes of pixel data`, got, "fetch the file again");
  }
  const values = readSamples(bytes, info, 0, area * samples, true);
  return info.planar ? interleave(values, samples) : values;
}

// [samples · bytes, pixels], most significant byte first, to [pixels, samples].
function fromPlanes(planes: Uint8Array, info: ImageInfo, area: number): NumericArray {
  const { samples } = info;
  const output = sampleArray(info, area * samples);
  const size = output.BYTES_PER_ELEMENT;
  const target = new Uint8Array(output.buffer);
  const given = planes.length / (area * samples);
  for (let sample = 0; sample < samples; sample++) {
    for (let byte = 0; byte < given; byte++) {
      const plane = (sample * given + byte) * area;
      const to = sample * size + given - 1 - byte;
      for (let at = 0; at < area; at++) target[at * samples * size + to] = planes[plane + at] as number;
    }
  }
  return output;
}

// Codestreams hold their own depth, and none but JPEG 2000 a sign: the file's own takes its place.
function fromCodestream(
  { values, header }: DecodedFrame,
  info: ImageInfo,
  { exact, unused }: { exact: boolean; unused: UnusedBits | undefined },
  where: string,
): NumericArray {
  const { kind, precision } = header;
  if (precision > info.container) {
    const expected = `a codestream of at most ${info.bitsAllocated} bits, as allocated (0028,0100)`;
    throw dataError(where, expected, `${precision}`, "repair or remove the file");
  }
  const output = sampleArray(info, values.length);
  output.set(values);
  // Writers of these declare fewer bits than the codestream holds; pydicom believes the codestream as well.
  if (kind === "jpeg2000" || kind === "htj2k") keepBits(output, precision);
  else if (kind === "jpeg-ls" && info.signed) keepBits(output, precision);
  else clearUnused(output, info, exact && precision > info.highBit, unused);
  return toRgb(output, photometricOf(header, info), exact);
}

// What the samples of a codestream mean: its own words count more than the file's. As pydicom 3.
function photometricOf(header: CodestreamHeader, { photometric, samples }: ImageInfo): string {
  // Decoders of JPEG 2000 undo its colour transforms themselves.
  if (samples !== 3 || photometric === "YBR_RCT" || photometric === "YBR_ICT") return "RGB";
  if (header.kind === "jpeg2000" || header.kind === "htj2k") return photometric;
  const letters = String.fromCharCode(...header.ids).toUpperCase();
  if (letters === "RGB") return "RGB";
  if (header.jfif && !photometric.startsWith("YBR")) return "YBR_FULL";
  return photometric;
}
