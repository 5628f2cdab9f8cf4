import { basename } from "node:path";
import { FileTooLarge, readRegular } from "../support/files/regular-file.ts";
import { isBmp } from "./bmp.ts";
import { FORMAT_NAMES, overLimit, unreadable } from "./decode-error.ts";
import { looksLikeDicom, openDicom } from "./dicom/index.ts";
import { foreignFormat } from "./foreign-format.ts";
import { checkPackedClaim, gunzipAll, gunzipHead, isGzip } from "./gunzip.ts";
import { DEFAULT_LIMITS, type DecodeLimits } from "./limits.ts";
import { openNifti, startsAsNifti, startsAsPairHeader } from "./nifti/index.ts";
import { halfMissing, isPairHeader, isPairVoxels, otherHalf } from "./nifti/pair.ts";
import { looksLikeNpy, npyFileBytes, openNpy } from "./npy.ts";
import { openBmp, openPicture, type PictureFormat } from "./picture.ts";
import type { AlphaRule, ImageFile } from "./source-image.ts";

/** Enough to tell a format, and for the header of an array. */
const HEAD_BYTES = 2 ** 16 + 16;

/**
 * Opens an image file of any format, told by its content: PNG, JPEG, WebP, BMP, TIFF, DICOM, NIfTI-1 and -2, NumPy.
 * Either half of an Analyze or NIfTI pair (`.hdr`, `.img`) opens the pair. A file packed with gzip is unpacked first.
 *
 * @param limits what the file may ask for at most; the defaults stand for what is not given.
 * @param alpha what becomes of the transparency of PNG, WebP, GIF and TIFF; that of other formats is dropped.
 * @throws MsmaeError Data when the file cannot be read, is of no known format, or asks for more than the limits allow.
 */
export async function openImageFile(
  path: string,
  limits: Partial<DecodeLimits> = {},
  alpha: AlphaRule = "drop",
): Promise<ImageFile> {
  const bounds = { ...DEFAULT_LIMITS, ...limits };
  try {
    const bytes = await readBounded(path, bounds);
    const header = await pairHeader(path, bytes, bounds);
    if (header) return await openNifti(header, path, bounds, () => pairVoxels(path, bytes, bounds));
    if (await startsAsNifti(bytes)) return await openNifti(bytes, path, bounds, () => pairVoxels(path, bytes, bounds));
    return await openBytes(isGzip(bytes) ? await unpacked(bytes, path, bounds) : bytes, path, bounds, alpha);
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/** What a gzip file holds: as much as its header says, where one does. */
async function unpacked(
  bytes: Uint8Array,
  path: string,
  { decodedBytes, packedBytes }: DecodeLimits,
): Promise<Uint8Array> {
  const head = await gunzipHead(bytes, HEAD_BYTES);
  if (!isKnown(head)) throw await unknownFormat(head, path);
  if (!looksLikeNpy(head)) return gunzipAll(bytes, packedBytes);
  const length = npyFileBytes(head, decodedBytes);
  checkPackedClaim(length, bytes.length);
  return gunzipHead(bytes, length);
}

async function readBounded(path: string, { fileBytes }: DecodeLimits): Promise<Uint8Array> {
  try {
    return await readRegular(path, fileBytes);
  } catch (error) {
    throw error instanceof FileTooLarge ? overLimit(path, error.expected, error.got) : error;
  }
}

/** The header of the Analyze or NIfTI pair that a file is one half of; undefined where it is of none. */
async function pairHeader(path: string, bytes: Uint8Array, limits: DecodeLimits): Promise<Uint8Array | undefined> {
  if (isPairHeader(path)) return (await startsAsPairHeader(bytes)) ? bytes : undefined;
  if (!isPairVoxels(path)) return undefined;
  const name = await otherHalf(path);
  const header = name === undefined ? undefined : await readBounded(name, limits);
  return header && (await startsAsPairHeader(header)) ? header : undefined;
}

async function pairVoxels(path: string, bytes: Uint8Array, limits: DecodeLimits): Promise<Uint8Array> {
  if (isPairVoxels(path)) return bytes;
  const name = await otherHalf(path);
  if (name === undefined) throw new Error(halfMissing(path));
  return readBounded(name, limits);
}

async function openBytes(bytes: Uint8Array, path: string, limits: DecodeLimits, alpha: AlphaRule): Promise<ImageFile> {
  // The preamble of a DICOM file may make it a TIFF as well, whose picture lacks window and rescaling.
  if (hasDicomPrefix(bytes)) return openDicom(bytes, path, limits);
  const picture = pictureFormat(bytes);
  if (picture) return openPicture(bytes, picture, path, limits, alpha);
  if (looksLikeNpy(bytes)) return openNpy(bytes, path, limits);
  if (isBmp(bytes)) return openBmp(bytes, path, limits);
  if (looksLikeDicom(bytes)) return openDicom(bytes, path, limits);
  throw await unknownFormat(bytes, path);
}

function isKnown(head: Uint8Array): boolean {
  const picture = hasDicomPrefix(head) || pictureFormat(head) !== undefined || isBmp(head);
  return picture || looksLikeNpy(head) || looksLikeDicom(head);
}

async function unknownFormat(bytes: Uint8Array, path: string): Promise<Error> {
  if (bytes.length === 0) return new Error("an empty file");
  const what = foreignFormat(bytes) ?? `a file that starts as none of ${FORMAT_NAMES} does`;
  // Voxels may start like anything.
  const half = isPairVoxels(path) && (await strayVoxels(path));
  return new Error(half ? `${what}; or ${half}` : what);
}

async function strayVoxels(path: string): Promise<string> {
  const name = await otherHalf(path);
  return name === undefined
    ? halfMissing(path)
    : `the voxels of a pair whose ${basename(name)} is no Analyze or NIfTI header`;
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
