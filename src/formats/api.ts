/** What both entries of `msmae/formats`, Node's and a page's, have in common. */
export { type ErrorCode, MsmaeError } from "../support/errors.ts";
export type { DicomKeyword } from "./dicom/read-tags.ts";
export { gzip } from "./gzip.ts";
export { DEFAULT_LIMITS, type DecodeLimits } from "./limits.ts";
export type { VoxelGrid } from "./nifti/grid.ts";
export type { FileBeside, OpenOptions } from "./open-image-bytes.ts";
export type { FormatPorts } from "./ports.ts";
export {
  ALPHA_RULES,
  type AlphaRule,
  type FileWindow,
  type ImageFile,
  type LabelVolume,
  type NumericArray,
  type PixelSpacing,
  type SliceAxis,
  type SourceImage,
  type StoredArray,
} from "./source-image.ts";
