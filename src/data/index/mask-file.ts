import { gridOfHeader, type VoxelGrid } from "../../formats/nifti/grid.ts";
import { gridOfDicom, looksLikeDicom } from "../../formats/node/dicom.ts";
import { openImageFile } from "../../formats/node/open-image-file.ts";
import type { ImageFile } from "../../formats/source-image.ts";
import { readStart } from "../../support/files/regular-file.ts";
import { isSinglePicture, niftiHeaderOf } from "./file-facts.ts";

const DICOM_HEAD_BYTES = 132;

/** Where the voxels of an image file lie; undefined where the file does not say, or cannot be read. */
export async function gridOf(path: string): Promise<VoxelGrid | undefined> {
  if (isSinglePicture(path)) return undefined;
  try {
    const header = await niftiHeaderOf(path);
    if (header) return gridOfHeader(header);
    return looksLikeDicom(await readStart(path, DICOM_HEAD_BYTES)) ? gridOfDicom(path) : undefined;
  } catch {
    // Reading the image will say what is wrong with it.
    return undefined;
  }
}

/**
 * Opens a mask so that its pictures lie on those of its image, pixel on pixel, however the voxels of both are stored.
 * Masks that are no volumes are taken as they are.
 *
 * @param grid the image's, of {@link gridOf}.
 * @throws MsmaeError Data when the mask cannot be read, or lies elsewhere than its image.
 */
export async function openMask(mask: string, grid: VoxelGrid | undefined): Promise<ImageFile> {
  const file = await openImageFile(mask);
  return (grid && file.onGrid?.(grid)) ?? file;
}
