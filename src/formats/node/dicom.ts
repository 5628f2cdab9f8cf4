import { closeSync, readSync } from "node:fs";
import { MsmaeError, messageOf } from "../../support/errors.ts";
import { openRegularSync } from "../../support/files/regular-file.ts";
import { dataError } from "../dicom/errors.ts";
import { type DicomFile, type ParseOptions, parseFile as parse } from "../dicom/file.ts";
import { gridOfDataSet } from "../dicom/grid.ts";
import { openDicom as open } from "../dicom/index.ts";
import { type DicomKeyword, parseHeader, tagValues } from "../dicom/read-tags.ts";
import type { DecodeLimits } from "../limits.ts";
import type { VoxelGrid } from "../nifti/grid.ts";
import type { ImageFile } from "../source-image.ts";
import { nodeInflater } from "./inflater.ts";
import { nodePorts } from "./ports.ts";

export { looksLikeDicom } from "../dicom/file.ts";

/** {@link open} on Node. */
export function openDicom(bytes: Uint8Array, where: string, limits: DecodeLimits): Promise<ImageFile> {
  return open(bytes, where, limits, nodePorts);
}

/** {@link parse} on Node. */
export function parseFile(bytes: Uint8Array, where: string, options: Omit<ParseOptions, "inflater">): DicomFile {
  return parse(bytes, where, { ...options, inflater: nodeInflater });
}

/** Most headers fit; those that do not are read with four times as much, and so on. */
const HEAD_BYTES = 2 ** 15;

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
  where = "DICOM file",
): Record<K, (string | number)[]> {
  return tagValues(
    typeof source === "string" ? readHeader(source) : parseHeader(source, where, nodeInflater),
    keywords,
  );
}

/** Where the pixels of a DICOM file lie in the body, as {@link gridOfDataSet}. @throws as {@link readHeader}. */
export function gridOfDicom(path: string): VoxelGrid | undefined {
  return gridOfDataSet(readHeader(path).dataSet);
}

/**
 * The elements of a file's header, without its pixels.
 *
 * @throws MsmaeError Data where the file cannot be read or is no DICOM file.
 */
function readHeader(path: string): DicomFile {
  let descriptor: number | undefined;
  try {
    const opened = openRegularSync(path);
    descriptor = opened.descriptor;
    const { size } = opened.stats;
    for (let length = HEAD_BYTES; ; length *= 4) {
      const bytes = Buffer.allocUnsafe(Math.min(size, length));
      const read = readSync(descriptor, bytes, 0, bytes.length, 0);
      const file = parseHeader(bytes.subarray(0, read), path, nodeInflater, length < size);
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
