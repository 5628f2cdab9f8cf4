import { MsmaeError, messageOf } from "../../support/errors.ts";
import type { DecodeLimits } from "../limits.ts";
import type { FormatPorts } from "../ports.ts";
import { markOutsideCircle, OUTSIDE_CIRCLE } from "../scanner-circle.ts";
import type { ImageFile, NumericArray, SourceImage, StoredArray } from "../source-image.ts";
import { dataError } from "./errors.ts";
import { type DicomFile, parseFile } from "./file.ts";
import { applyModality, isHounsfield, type Modality, modalityOf, windowsOf } from "./grey.ts";
import { describeHeader } from "./header.ts";
import { type ImageInfo, imageInfo } from "./image-info.ts";
import { markPadding, paddingOf } from "./padding.ts";
import { applyPalette, readPalette } from "./palette.ts";
import { type PixelSource, pixelSource } from "./pixels.ts";
import { dtypeOf, sampleArray } from "./samples.ts";
import { patientSpacing } from "./spacing.ts";

export { looksLikeDicom } from "./file.ts";

/**
 * Opens a DICOM file: every frame is a picture.
 *
 * `array` gives what pydicom ≥ 3 gives as `pixel_array`: YBR turned to RGB, palette indices left, no rescale, no window.
 * `read` gives grey values in the file's unit (modality table or rescale slope and intercept, per frame where the file
 * says so) with the file's windows and tables, or RGB with the palette applied. Overlays are not drawn in. Padding, and
 * what lies outside of a CT scanner's circle, is marked as no measurement.
 *
 * @param where named in errors: the file.
 * @throws MsmaeError Data where the file is damaged, holds no picture, or asks for more than the limits allow.
 */
export async function openDicom(
  bytes: Uint8Array,
  where: string,
  limits: DecodeLimits,
  ports: FormatPorts,
): Promise<ImageFile> {
  return guarded(where, async () => {
    if (bytes.length > limits.fileBytes) {
      const todo = "raise the limit if the file is trusted";
      throw dataError(where, `at most ${limits.fileBytes} bytes`, `${bytes.length}`, todo);
    }
    const decodedBytes = Math.min(limits.decodedBytes, limits.packedBytes);
    const file = parseFile(bytes, where, { decodedBytes, inflater: ports.inflater });
    const info = imageInfo(file, where, limits);
    const pixels = pixelSource(file, info, where, limits, ports);
    return {
      format: "DICOM",
      count: () => pixels.frames,
      read: (index) => guarded(where, () => readFrame(file, info, pixels, index, where)),
      array: () => guarded(where, () => readAll(info, pixels, where, limits)),
      header: describeHeader(file, info, pixels.frames),
    };
  });
}

// Whatever a damaged file makes of a decoder is a fault of the file.
async function guarded<T>(where: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof MsmaeError) throw cause;
    throw dataError(where, "a DICOM file that can be decoded", messageOf(cause), "repair or remove the file", cause);
  }
}

async function readFrame(
  { dataSet }: DicomFile,
  info: ImageInfo,
  pixels: PixelSource,
  index: number,
  where: string,
): Promise<SourceImage> {
  if (!Number.isInteger(index) || index < 0 || index >= pixels.frames) {
    throw dataError(where, `a frame from 0 to ${pixels.frames - 1}`, `${index}`, "ask for a frame that is there");
  }
  const stored = await pixels.frame(index, true);
  const spacing = patientSpacing(dataSet, index);
  const size = { width: info.columns, height: info.rows, ...(spacing && { spacing }) };
  if (info.photometric === "PALETTE COLOR") {
    const palette = readPalette(dataSet, info.signed, where);
    const values = applyPalette(stored, palette);
    return { ...size, channels: 3, values, windows: [], inverted: false, levels: [0, palette.white] };
  }
  if (info.samples === 3) {
    return { ...size, channels: 3, values: stored, windows: [], inverted: false, levels: sampleLevels(info) };
  }
  const modality = modalityOf(dataSet, index, info.signed);
  const plain = !modality.lut && modality.slope === 1 && modality.intercept === 0;
  const values = applyModality(stored, modality);
  const padding = paddingOf(dataSet, info);
  const padded =
    padding && markPadding(padding.beyondStored ? await pixels.frame(index, true, "keep") : stored, padding);
  const reachesOutside = isHounsfield(dataSet, modality) && lowestValue(info, modality) <= OUTSIDE_CIRCLE;
  const unmeasured = reachesOutside ? markOutsideCircle(values, padded) : padded;
  return {
    ...size,
    channels: 1,
    values,
    ...(unmeasured && { unmeasured }),
    windows: windowsOf(dataSet, index, modality, info.signed),
    inverted: info.photometric === "MONOCHROME1",
    // Up to 8 bits are levels of a picture; more measure something, and fill little of their range.
    levels: plain && !info.signed && !info.float && info.bitsStored <= 8 ? sampleLevels(info) : undefined,
  };
}

/** No pixel can be lower, so that most CTs need not be searched. */
function lowestValue({ container, signed, float }: ImageInfo, { slope, intercept }: Modality): number {
  if (float) return Number.NEGATIVE_INFINITY;
  const least = signed ? -(2 ** (container - 1)) : 0;
  return Math.min(least * slope, (least + 2 ** container - 1) * slope) + intercept;
}

function sampleLevels({ bitsStored, signed }: ImageInfo): [number, number] {
  return signed ? [-(2 ** (bitsStored - 1)), 2 ** (bitsStored - 1) - 1] : [0, 2 ** bitsStored - 1];
}

async function readAll(
  info: ImageInfo,
  pixels: PixelSource,
  where: string,
  limits: DecodeLimits,
): Promise<StoredArray> {
  const { rows, columns, samples, container } = info;
  const each = rows * columns * samples;
  const bytes = (each * pixels.frames * container) / 8;
  if (bytes > limits.decodedBytes) {
    const todo = "read the frames one by one, or raise the limit if the file is trusted";
    throw dataError(where, `at most ${limits.decodedBytes} bytes of all frames`, `${bytes}`, todo);
  }
  const shape = [rows, columns];
  if (pixels.frames > 1) shape.unshift(pixels.frames);
  if (samples > 1) shape.push(samples);
  const data: NumericArray =
    pixels.frames === 1 ? await pixels.frame(0, false) : sampleArray(info, each * pixels.frames);
  for (let frame = 0; pixels.frames > 1 && frame < pixels.frames; frame++) {
    data.set(await pixels.frame(frame, false), frame * each);
  }
  return { shape, dtype: dtypeOf(data), data };
}
