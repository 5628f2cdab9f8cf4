import { extname } from "node:path";
import { isPairHeader, isPairVoxels } from "../../formats/nifti/pair.ts";

/** Extensions of the files of images, lower case; see {@link isImageName} for double ones. */
export const IMAGE_EXTENSIONS: ReadonlySet<string> = new Set([
  ".png",
  ".jpg",
  ".jpeg",
  ".tif",
  ".tiff",
  ".webp",
  ".bmp",
  ".dcm",
  ".dicom",
  ".ima",
  ".nii",
  ".nii.gz",
  ".npy",
]);

/** Whether a file's name ends as those of image files do, in any case. */
export function isImageName(name: string): boolean {
  const lower = name.toLowerCase();
  return IMAGE_EXTENSIONS.has(extname(lower)) || lower.endsWith(".nii.gz");
}

/** What a file's name says about it; `unknown` names need a look inside. */
export function imageByName(name: string): "image" | "unknown" | "other" {
  const lower = name.toLowerCase();
  const extension = extname(lower);
  if (isImageName(lower)) return "image";
  if (lower === "dicomdir") return "other";
  // Whether these are a pair of Analyze or NIfTI, the header tells.
  if (isPairHeader(lower) || isPairVoxels(lower)) return "unknown";
  // DICOM archives name files by number or by UID, whose last part looks like an extension.
  return extension === "" || /^\.\d+$/.test(extension) ? "unknown" : "other";
}
