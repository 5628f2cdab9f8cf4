import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { extname } from "node:path";
import { transferSyntaxOf } from "../../formats/dicom/transfer-syntax.ts";
import { gunzipHead, isGzip } from "../../formats/gunzip.ts";
import { DEFAULT_LIMITS, DEFLATE_RATIO } from "../../formats/limits.ts";
import {
  isCifti,
  looksLikeNifti,
  looksLikePairHeader,
  mostSlices,
  NIFTI_HEADER_BYTES,
  type NiftiHeader,
  readNiftiHeader,
  voxelBytesOf,
} from "../../formats/nifti/header.ts";
import { closestOrientation, rotationOf } from "../../formats/nifti/orientation.ts";
import { isPairHeader, isPairVoxels } from "../../formats/nifti/pair.ts";
import { looksLikeDicom, readTags } from "../../formats/node/dicom.ts";
import { nodeInflater } from "../../formats/node/inflater.ts";
import { openImageFile } from "../../formats/node/open-image-file.ts";
import { otherHalf } from "../../formats/node/pair-files.ts";
import type { SliceAxis } from "../../formats/source-image.ts";
import { readStart } from "../../support/files/regular-file.ts";
import { isImageName } from "../folders/image-names.ts";

/** What a data set needs to know of a file before its pixels are read. */
export interface FileFacts {
  /** Pictures along the axial, coronal and sagittal axis; the same number where the file is no volume. 0: no image. */
  counts: readonly [number, number, number];
  /** A digest of the patient's identity, or "" where the file names none. */
  patient: string;
}

const AXES: readonly SliceAxis[] = ["axial", "coronal", "sagittal"];

/** Pictures of a file along an axis. */
export function countAlong({ counts }: FileFacts, axis: SliceAxis): number {
  return counts[AXES.indexOf(axis)] as number;
}

const ONE_PICTURE: FileFacts = { counts: [1, 1, 1], patient: "" };
const NO_IMAGE: FileFacts = { counts: [0, 0, 0], patient: "" };
const SINGLE = new Set([".png", ".jpg", ".jpeg", ".webp", ".bmp"]);
/** Enough for what the packed header of a volume takes. */
const HEAD_BYTES = 16_384;

/** Whether a file of this name holds one picture of nobody in particular, so that there is no need to look. */
export function isSinglePicture(path: string): boolean {
  return SINGLE.has(extname(path).toLowerCase());
}

/**
 * Looks into a file, at its header where that tells. A damaged file that bears an image's name counts as one picture,
 * as does one whose header names more pictures than its bytes or the limits allow: reading it will say what is wrong.
 *
 * @throws Error when the file cannot be read at all.
 */
export async function factsOf(path: string): Promise<FileFacts> {
  if (isSinglePicture(path)) return ONE_PICTURE;
  const unknown = isImageName(path) ? ONE_PICTURE : NO_IMAGE;
  const head = await readStart(path, HEAD_BYTES);
  try {
    const header = await niftiHeaderOf(path, head);
    if (header) return niftiFacts(header, sizeOf(path) * (isGzip(head) ? DEFLATE_RATIO : 1));
    // A DICOM preamble may be the beginning of a TIFF file, which then is the smaller part of what the file holds.
    if (hasDicomPrefix(head)) return dicomFacts(path);
    if (isTiff(head)) {
      const { default: sharp } = await import("sharp");
      return frameFacts((await sharp(path).metadata()).pages ?? 1);
    }
    if (looksLikeDicom(head)) return dicomFacts(path);
    if (unknown === NO_IMAGE) return NO_IMAGE;
    const file = await openImageFile(path);
    return same(file.count("axial"));
  } catch {
    return unknown;
  }
}

/**
 * The header of a NIfTI file, or of the pair that a file is one half of; undefined for other files.
 *
 * @param head the beginning of the file, where it has been read.
 * @throws Error when the file cannot be read, or its header makes no sense.
 */
export async function niftiHeaderOf(path: string, head?: Uint8Array): Promise<NiftiHeader | undefined> {
  const pair = isPairVoxels(path) ? await otherHalf(path) : isPairHeader(path) ? path : undefined;
  const header = pair === undefined ? undefined : await unpackedStart(await readStart(pair, HEAD_BYTES));
  if (header && looksLikePairHeader(header)) return readNiftiHeader(header);
  const start = await unpackedStart(head ?? (await readStart(path, HEAD_BYTES)));
  return looksLikeNifti(start) ? readNiftiHeader(start) : undefined;
}

async function unpackedStart(head: Uint8Array): Promise<Uint8Array> {
  return isGzip(head) ? gunzipHead(head, NIFTI_HEADER_BYTES, nodeInflater) : head;
}

/** @param most bytes that the file can hold, unpacked. */
function niftiFacts(header: NiftiHeader, most: number): FileFacts {
  if (isCifti(header)) return NO_IMAGE;
  const claimed = header.voxOffset + voxelBytesOf(header);
  // The voxels of a pair stand elsewhere.
  if (claimed > Math.min(DEFAULT_LIMITS.decodedBytes, header.pair ? Number.POSITIVE_INFINITY : most))
    return ONE_PICTURE;
  if (mostSlices(header) > DEFAULT_LIMITS.slices) return ONE_PICTURE;
  const [right, anterior, superior] = closestOrientation(rotationOf(header)).axes;
  const volumes = header.shape.slice(3).reduce((product, length) => product * length, 1);
  const along = (axis: number) => (header.shape[axis] ?? 1) * volumes;
  return { counts: [along(superior), along(anterior), along(right)], patient: "" };
}

// Structured reports, directories and the like have no rows of pixels.
function dicomFacts(path: string): FileFacts {
  const tags = readTags(path, ["TransferSyntaxUID", "Rows", "NumberOfFrames", "PatientID", "StudyInstanceUID"]);
  if (tags.Rows.length === 0) return NO_IMAGE;
  const [frames = 1] = tags.NumberOfFrames.map(Number);
  const [patient = ""] = [...tags.PatientID, ...tags.StudyInstanceUID].map((id) => `${id}`.trim()).filter(Boolean);
  const deflated = transferSyntaxOf(`${tags.TransferSyntaxUID[0]}`)?.deflated ?? false;
  // A frame takes a bit at least.
  const most = 8 * sizeOf(path) * (deflated ? DEFLATE_RATIO : 1);
  return { ...frameFacts(frames, most), patient: patient && digestOf(patient) };
}

/** @param most frames that the file's bytes can hold. */
function frameFacts(frames: number, most = Number.POSITIVE_INFINITY): FileFacts {
  return frames >= 1 && frames <= Math.min(DEFAULT_LIMITS.frames, most) ? same(Math.floor(frames)) : ONE_PICTURE;
}

function sizeOf(path: string): number {
  return statSync(path).size;
}

function digestOf(identity: string): string {
  return createHash("sha256").update(identity).digest("hex");
}

function hasDicomPrefix(head: Uint8Array): boolean {
  return [0x44, 0x49, 0x43, 0x4d].every((byte, at) => head[128 + at] === byte);
}

function isTiff(head: Uint8Array): boolean {
  const [a, b, c, d] = head;
  const little = a === 0x49 && b === 0x49 && (c === 42 || c === 43) && d === 0;
  return little || (a === 0x4d && b === 0x4d && c === 0 && (d === 42 || d === 43));
}

function same(count: number): FileFacts {
  return { counts: [count, count, count], patient: "" };
}
