import type { Inflater } from "../inflater.ts";
import { LIMITS } from "../limits.ts";
import { type DicomFile, parseFile } from "./file.ts";
import { type Keyword, TAGS } from "./tags.ts";

/** An attribute's keyword, for example `PatientID`. */
export type DicomKeyword = Keyword;

const PIXEL_GROUP = 0x7fe00000;

/**
 * The elements of a file's header, without its pixels.
 *
 * @param partial the bytes are the beginning of a longer file.
 * @throws MsmaeError Data where the bytes are no DICOM file.
 */
export function parseHeader(bytes: Uint8Array, where: string, inflater: Inflater, partial = false): DicomFile {
  return parseFile(bytes, where, { until: PIXEL_GROUP, decodedBytes: LIMITS.dicomHeaderBytes, partial, inflater });
}

/** The values of each attribute: numbers where it holds such, else text; none where it is absent or empty. */
export function tagValues<K extends DicomKeyword>(
  file: DicomFile,
  keywords: readonly K[],
): Record<K, (string | number)[]> {
  const values = {} as Record<K, (string | number)[]>;
  for (const keyword of keywords) {
    const [tag] = TAGS[keyword];
    values[keyword] = (tag < 0x00030000 && file.meta ? file.meta : file.dataSet).values(tag);
  }
  return values;
}
