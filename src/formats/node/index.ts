/**
 * Image files as numbers, without the rest of the package: `msmae/formats` on Node. What a page gets under the same name
 * is formats/web.
 */
import { type OpenOptions, openImageBytes as open } from "../open-image-bytes.ts";
import type { FormatPorts } from "../ports.ts";
import type { ImageFile } from "../source-image.ts";
import { nodePorts } from "./ports.ts";

export * from "../api.ts";
export { readTags } from "./dicom.ts";
export { readDicomDir } from "./dicomdir.ts";
export { openImageFile } from "./open-image-file.ts";
export { nodePorts } from "./ports.ts";

/**
 * Opens an image file whose bytes are at hand, of any format, told by its content: PNG, JPEG, WebP, GIF, BMP, TIFF, DICOM,
 * NIfTI-1 and -2, Analyze, NumPy; packed with gzip or not.
 *
 * @param bytes of the whole file. They belong to the opened file: samples of another byte order are turned in place.
 * @throws MsmaeError Data when the file cannot be read, is of no known format, or asks for more than the limits allow.
 */
export function openImageBytes(
  bytes: Uint8Array,
  { ports = nodePorts, ...options }: OpenOptions & { ports?: FormatPorts } = {},
): Promise<ImageFile> {
  return open(bytes, options, ports);
}
