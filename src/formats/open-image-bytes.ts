import { isBmp } from "./bmp.ts";
import { FORMAT_NAMES, overLimit, unreadable } from "./decode-error.ts";
import { looksLikeDicom, openDicom } from "./dicom/index.ts";
import { foreignFormat } from "./foreign-format.ts";
import { checkPackedClaim, gunzipAll, gunzipHead, isGzip } from "./gunzip.ts";
import { DEFAULT_LIMITS, type DecodeLimits } from "./limits.ts";
import { openNifti, startsAsNifti, startsAsPairHeader } from "./nifti/index.ts";
import { halfMissing, isPairHeader, isPairVoxels, nameOf, otherNames } from "./nifti/pair.ts";
import { looksLikeNpy, npyFileBytes, openNpy } from "./npy.ts";
import { openBmp, openPicture } from "./picture.ts";
import type { PictureFormat } from "./picture-decoder.ts";
import type { FormatPorts } from "./ports.ts";
import type { AlphaRule, ImageFile } from "./source-image.ts";

/** Enough to tell a format, and for the header of an array. */
const HEAD_BYTES = 2 ** 16 + 16;

/** A file beside the one that is opened. */
export interface FileBeside {
  name: string;
  read(): Promise<Uint8Array>;
}

/** How to open an image file whose bytes are at hand. */
export interface OpenOptions {
  /** The file's name or path: named in errors, and by its ending it may be half of a pair. Default `image`. */
  name?: string;
  /** What the file may ask for at most; the defaults stand for what is not given. */
  limits?: Partial<DecodeLimits>;
  /** What becomes of the transparency of PNG, WebP, GIF and TIFF; that of other formats is dropped. Default `drop`. */
  alpha?: AlphaRule;
  /**
   * Finds the other half of an Analyze or NIfTI pair.
   *
   * @param names that it may have, the likeliest first; each is `name` with another ending.
   */
  beside?(names: readonly string[]): Promise<FileBeside | undefined>;
}

/** One file on its way to be opened. */
interface Opening {
  path: string;
  limits: DecodeLimits;
  alpha: AlphaRule;
  ports: FormatPorts;
  /** The other half of the pair that the file is one half of. */
  otherHalf(): Promise<FileBeside | undefined>;
}

/**
 * Opens an image file of any format, told by its content: PNG, JPEG, WebP, BMP, TIFF, DICOM, NIfTI-1 and -2, NumPy.
 * Either half of an Analyze or NIfTI pair (`.hdr`, `.img`) opens the pair. A file packed with gzip is unpacked first.
 *
 * @param bytes of the whole file. They belong to the opened file: samples of another byte order are turned in place.
 * @throws MsmaeError Data when the file cannot be read, is of no known format, or asks for more than the limits allow.
 */
export async function openImageBytes(bytes: Uint8Array, options: OpenOptions, ports: FormatPorts): Promise<ImageFile> {
  const { name: path = "image", alpha = "drop", beside } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const otherHalf = async () => beside?.(otherNames(path));
  const opening: Opening = { path, limits, alpha, ports, otherHalf };
  try {
    return await open(bounded(plain(bytes), opening), opening);
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

async function open(bytes: Uint8Array, opening: Opening): Promise<ImageFile> {
  const { path, limits, ports } = opening;
  const { inflater } = ports;
  const voxels = () => pairVoxels(bytes, opening);
  const header = await pairHeader(bytes, opening);
  if (header) return await openNifti(header, path, limits, inflater, voxels);
  if (await startsAsNifti(bytes, inflater)) return await openNifti(bytes, path, limits, inflater, voxels);
  return await openSingle(isGzip(bytes) ? await unpacked(bytes, opening) : bytes, opening);
}

/** Not as a Buffer of Node's, whose `slice` makes no copy. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function bounded(bytes: Uint8Array, { path, limits: { fileBytes } }: Opening): Uint8Array {
  if (bytes.length <= fileBytes) return bytes;
  throw overLimit(path, `a file of at most ${fileBytes} bytes`, `${bytes.length} bytes`);
}

/** What a gzip file holds: as much as its header says, where one does. */
async function unpacked(bytes: Uint8Array, opening: Opening): Promise<Uint8Array> {
  const { decodedBytes, packedBytes } = opening.limits;
  const { inflater } = opening.ports;
  const head = await gunzipHead(bytes, HEAD_BYTES, inflater);
  if (!isKnown(head)) throw await unknownFormat(head, opening);
  if (!looksLikeNpy(head)) return gunzipAll(bytes, packedBytes, inflater);
  const length = npyFileBytes(head, decodedBytes);
  checkPackedClaim(length, bytes.length);
  return gunzipHead(bytes, length, inflater);
}

/** The header of the Analyze or NIfTI pair that a file is one half of; undefined where it is of none. */
async function pairHeader(bytes: Uint8Array, opening: Opening): Promise<Uint8Array | undefined> {
  const { path, ports } = opening;
  if (isPairHeader(path)) return (await startsAsPairHeader(bytes, ports.inflater)) ? bytes : undefined;
  if (!isPairVoxels(path)) return undefined;
  const header = await readHalf(opening);
  return header && (await startsAsPairHeader(header, ports.inflater)) ? header : undefined;
}

async function pairVoxels(bytes: Uint8Array, opening: Opening): Promise<Uint8Array> {
  if (isPairVoxels(opening.path)) return bytes;
  const voxels = await readHalf(opening);
  if (!voxels) throw new Error(halfMissing(opening.path));
  return voxels;
}

async function readHalf(opening: Opening): Promise<Uint8Array | undefined> {
  const half = await opening.otherHalf();
  return half && bounded(plain(await half.read()), { ...opening, path: half.name });
}

async function openSingle(bytes: Uint8Array, opening: Opening): Promise<ImageFile> {
  const { path, limits, alpha, ports } = opening;
  // The preamble of a DICOM file may make it a TIFF as well, whose picture lacks window and rescaling.
  if (hasDicomPrefix(bytes)) return openDicom(bytes, path, limits, ports);
  const picture = pictureFormat(bytes);
  if (picture) return openPicture(bytes, picture, path, limits, alpha, ports);
  if (looksLikeNpy(bytes)) return openNpy(bytes, path, limits);
  if (isBmp(bytes)) return openBmp(bytes, path, limits);
  if (looksLikeDicom(bytes)) return openDicom(bytes, path, limits, ports);
  throw await unknownFormat(bytes, opening);
}

function isKnown(head: Uint8Array): boolean {
  const picture = hasDicomPrefix(head) || pictureFormat(head) !== undefined || isBmp(head);
  return picture || looksLikeNpy(head) || looksLikeDicom(head);
}

async function unknownFormat(bytes: Uint8Array, opening: Opening): Promise<Error> {
  if (bytes.length === 0) return new Error("an empty file");
  const what = foreignFormat(bytes) ?? `a file that starts as none of ${FORMAT_NAMES} does`;
  // Voxels may start like anything.
  const half = isPairVoxels(opening.path) && (await strayVoxels(opening));
  return new Error(half ? `${what}; or ${half}` : what);
}

async function strayVoxels({ path, otherHalf }: Opening): Promise<string> {
  const half = await otherHalf();
  return half ? `the voxels of a pair whose ${nameOf(half.name)} is no Analyze or NIfTI header` : halfMissing(path);
}

function hasDicomPrefix(bytes: Uint8Array): boolean {
  return String.fromCharCode(...bytes.subarray(128, 132)) === "DICM";
}

function pictureFormat(bytes: Uint8Array): PictureFormat | undefined {
  const starts = (...magic: number[]) => magic.every((byte, at) => bytes[at] === byte);
  if (starts(0x89, 0x50, 0x4e, 0x47)) return "PNG";
  if (starts(0xff, 0xd8, 0xff)) return "JPEG";
  if (starts(0x52, 0x49, 0x46, 0x46) && String.fromCharCode(...bytes.subarray(8, 12)) === "WEBP") return "WebP";
  if (starts(0x47, 0x49, 0x46, 0x38)) return "GIF";
  // Classic and 64-bit TIFF of either byte order.
  const tiff = starts(0x49, 0x49, 42, 0) || starts(0x4d, 0x4d, 0, 42);
  return tiff || starts(0x49, 0x49, 43, 0) || starts(0x4d, 0x4d, 0, 43) ? "TIFF" : undefined;
}
