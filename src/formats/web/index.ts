/**
 * Image files as numbers in a page: `msmae/formats` under the condition `browser`. Decoding is work of the thread that asks
 * for it: a worker, where the page is to stay alive meanwhile.
 */
import { type DicomKeyword, parseHeader, tagValues } from "../dicom/read-tags.ts";
import { type OpenOptions, openImageBytes as open } from "../open-image-bytes.ts";
import type { FormatPorts } from "../ports.ts";
import type { ImageFile } from "../source-image.ts";
import { pageInflater } from "./inflater.ts";
import { pagePorts } from "./ports.ts";

export * from "../api.ts";
export { pagePorts } from "./ports.ts";

const defaultPorts = pagePorts();

/**
 * Opens an image file whose bytes are at hand, of any format, told by its content: PNG, JPEG, WebP, GIF, BMP, TIFF, DICOM,
 * NIfTI-1 and -2, Analyze, NumPy; packed with gzip or not. Values are those that Node gets, or there is an error: of what
 * a page cannot read exactly (docs/data/formats.md, "In a page").
 *
 * @param bytes of the whole file. They belong to the opened file: samples of another byte order are turned in place.
 * @throws MsmaeError Data when the file cannot be read, is of no known format, or asks for more than the limits allow;
 * Device when the codecs that it needs cannot be fetched.
 */
export function openImageBytes(
  bytes: Uint8Array,
  { ports = defaultPorts, ...options }: OpenOptions & { ports?: FormatPorts } = {},
): Promise<ImageFile> {
  return open(bytes, options, ports);
}

/**
 * Reads attributes from a DICOM file's header, without its pixels.
 *
 * @returns the values of each attribute: numbers where it holds such, else text; none where it is absent or empty.
 * @throws MsmaeError Data where the bytes are no DICOM file.
 */
export function readTags<K extends DicomKeyword>(
  bytes: Uint8Array,
  keywords: readonly K[],
  where = "DICOM file",
): Record<K, (string | number)[]> {
  return tagValues(parseHeader(bytes, where, pageInflater), keywords);
}
