import { closeSync, readSync } from "node:fs";
import { MsmaeError, messageOf } from "../../support/errors.ts";
import { openRegularSync } from "../../support/files/regular-file.ts";
import { LIMITS } from "../limits.ts";
import { dataError } from "./errors.ts";
import { type DicomFile, parseFile } from "./file.ts";
import { type Keyword, TAGS } from "./tags.ts";

/** An attribute's keyword, for example `PatientID`. */
export type DicomKeyword = Keyword;

/** Most headers fit; those that do not are read with four times as much, and so on. */
const HEAD_BYTES = 2 ** 15;
const PIXEL_GROUP = 0x7fe00000;

/**
 * Reads attributes from a file's header, without its pixels: of a path no more is read than the header takes.
 *
 * @param source the file's bytes, or its path.
 * @returns the values of each attribute: numbers where it holds such, else text; none where it is absent or empty.
 * @throws MsmaeError Data where the file cannot be read or is no DICOM file.
 */
export function readTags<K extends DicomKeyword>(
  source: Uint8Array | string,
  keywords: readonly K[],
  where = typeof source === "string" ? source : "DICOM file",
): Record<K, (string | number)[]> {
  const file = typeof source === "string" ? readHead(source) : parseHead(source, where, false);
  const values = {} as Record<K, (string | number)[]>;
  for (const keyword of keywords) {
    const [tag] = TAGS[keyword];
    values[keyword] = (tag < 0x00030000 && file.meta ? file.meta : file.dataSet).values(tag);
  }
  return values;
}

/**
 * The elements of a file's header, without its pixels.
 *
 * @throws MsmaeError Data where the file cannot be read or is no DICOM file.
 */
export function readHeader(path: string): DicomFile {
  return readHead(path);
}

function parseHead(bytes: Uint8Array, where: string, partial: boolean): DicomFile {
  return parseFile(bytes, where, { until: PIXEL_GROUP, decodedBytes: LIMITS.dicomHeaderBytes, partial });
}

function readHead(path: string): DicomFile {
  let descriptor: number | undefined;
  try {
    const opened = openRegularSync(path);
    descriptor = opened.descriptor;
    const { size } = opened.stats;
    for (let length = HEAD_BYTES; ; length *= 4) {
      const bytes = Buffer.allocUnsafe(Math.min(size, length));
      const read = readSync(descriptor, bytes, 0, bytes.length, 0);
      const file = parseHead(bytes.subarray(0, read), path, length < size);
      if (length >= size || endsBefore(file, read)) return file;
    }
  } catch (cause) {
    if (cause instanceof MsmaeError) throw cause;
    throw dataError(path, "a readable file", messageOf(cause), "check the path and its permissions", cause);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

// Whether the header ends before the bytes at hand do.
function endsBefore(file: DicomFile, read: number): boolean {
  return !file.cut && (file.end < read - 8 || file.deflated);
}
