import type { DecodeLimits } from "../limits.ts";
import type { DataSet, Element } from "./data-set.ts";
import { dataError } from "./errors.ts";
import type { DicomFile } from "./file.ts";
import { formatTag } from "./tags.ts";

/** What describes the pixels of a file, checked: PS3.3 C.7.6.3. */
export interface ImageInfo {
  rows: number;
  columns: number;
  frames: number;
  samples: number;
  photometric: string;
  planar: boolean;
  bitsAllocated: number;
  bitsStored: number;
  highBit: number;
  signed: boolean;
  /** Bits of a number that holds a sample. */
  container: 8 | 16 | 32 | 64;
  float: boolean;
  pixels: Element;
}

const REPAIR = "repair or remove the file";

/**
 * The description of a file's pixels, with the defaults that other readers assume.
 *
 * @throws MsmaeError Data where there are no pixels, a required attribute is missing or makes no sense, or more is asked
 * for than the limits allow.
 */
export function imageInfo(file: DicomFile, where: string, limits: DecodeLimits): ImageInfo {
  const { dataSet } = file;
  const pixels =
    dataSet.element("PixelData") ?? dataSet.element("FloatPixelData") ?? dataSet.element("DoubleFloatPixelData");
  if (!pixels) throw withoutPixels(file, where);
  const float = pixels.tag !== dataSet.element("PixelData")?.tag;
  const rows = required(dataSet, "Rows", where);
  const columns = required(dataSet, "Columns", where);
  const samples = dataSet.number("SamplesPerPixel") ?? 1;
  if (samples !== 1 && samples !== 3) {
    throw dataError(where, "1 or 3 samples per pixel (0028,0002)", `${samples}`, REPAIR);
  }
  const bitsAllocated = float
    ? pixels === dataSet.element("FloatPixelData")
      ? 32
      : 64
    : required(dataSet, "BitsAllocated", where);
  if (!float && bitsAllocated > 32) {
    throw dataError(where, "1 to 32 bits allocated (0028,0100)", `${bitsAllocated}`, REPAIR);
  }
  const bitsStored = float ? bitsAllocated : (dataSet.number("BitsStored") ?? bitsAllocated);
  if (bitsStored < 1 || bitsStored > bitsAllocated) {
    throw dataError(where, `1 to ${bitsAllocated} bits stored (0028,0101)`, `${bitsStored}`, REPAIR);
  }
  const highest = dataSet.number("HighBit") ?? bitsStored - 1;
  const plausible = highest >= bitsStored - 1 && highest < bitsAllocated;
  const frames = frameCount(dataSet, where);
  const info: ImageInfo = {
    rows,
    columns,
    frames,
    samples,
    photometric: photometricOf(dataSet, samples, where),
    planar: samples > 1 && dataSet.number("PlanarConfiguration") === 1,
    bitsAllocated,
    bitsStored,
    highBit: float || !plausible ? bitsStored - 1 : highest,
    signed: !float && bitsAllocated > 1 && dataSet.number("PixelRepresentation") === 1,
    container: bitsAllocated <= 8 ? 8 : bitsAllocated <= 16 ? 16 : bitsAllocated <= 32 ? 32 : 64,
    float,
    pixels,
  };
  checkLimits(info, where, limits);
  return info;
}

function withoutPixels({ dataSet, cut }: DicomFile, where: string) {
  if (cut) {
    const got = `a file that ends within element ${formatTag(cut.tag)}, ${cut.missing} bytes short`;
    return dataError(where, "pixel data", got, "fetch the file again");
  }
  const modality = dataSet.string("Modality");
  const got = `a DICOM file without pixel data${modality ? ` (modality ${modality})` : ""}`;
  return dataError(where, "pixel data", got, "leave the file out: it holds no picture");
}

function required(dataSet: DataSet, keyword: "Rows" | "Columns" | "BitsAllocated", where: string): number {
  const value = dataSet.number(keyword);
  if (value !== undefined && Number.isInteger(value) && value > 0) return value;
  throw dataError(where, `${keyword} above 0`, value === undefined ? "none" : `${value}`, REPAIR);
}

function frameCount(dataSet: DataSet, where: string): number {
  const text = dataSet.string("NumberOfFrames");
  if (text === undefined) return 1;
  const count = Number(text);
  if (!Number.isInteger(count) || count < 0) {
    throw dataError(where, "a whole Number of Frames (0028,0008)", JSON.stringify(text), REPAIR);
  }
  // 0 is written by some devices for a single picture; pydicom reads it so as well.
  return Math.max(1, count);
}

const SINGLE = new Set(["MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"]);
const TRIPLE = new Set(["RGB", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_422", "YBR_PARTIAL_420", "YBR_ICT", "YBR_RCT"]);

function photometricOf(dataSet: DataSet, samples: number, where: string): string {
  const photometric = dataSet.string("PhotometricInterpretation")?.toUpperCase();
  if (photometric === undefined) return samples === 1 ? "MONOCHROME2" : "RGB";
  if ((samples === 1 ? SINGLE : TRIPLE).has(photometric)) return photometric;
  const known = [...(samples === 1 ? SINGLE : TRIPLE)].join(", ");
  throw dataError(where, `for ${samples} samples per pixel one of ${known}`, photometric, REPAIR);
}

function checkLimits(info: ImageInfo, where: string, limits: DecodeLimits): void {
  const { rows, columns, frames, samples, container } = info;
  const raise = "raise the limit if the file is trusted";
  if (rows * columns > limits.pixels) {
    throw dataError(where, `at most ${limits.pixels} pixels`, `${columns} × ${rows}`, raise);
  }
  if (frames > limits.frames) throw dataError(where, `at most ${limits.frames} frames`, `${frames}`, raise);
  const bytes = (rows * columns * samples * container) / 8;
  if (bytes > limits.decodedBytes) {
    throw dataError(where, `at most ${limits.decodedBytes} bytes of one picture`, `${bytes}`, raise);
  }
}
