import { createHash } from "node:crypto";
import { extname } from "node:path";
import { openImageFile } from "./decode/open-image-file.ts";

/** What a data set needs to know of a file before its pixels are read. */
export interface FileFacts {
  /** Pictures along the axial, coronal and sagittal axis; the same number where the file is no volume. 0: no image. */
  counts: readonly [number, number, number];
  /** A digest of the patient's identity, or "" where the file names none. */
  patient: string;
}

/** A file that holds one picture of nobody in particular. */
const ONE_PICTURE: FileFacts = { counts: [1, 1, 1], patient: "" };
const NO_IMAGE: FileFacts = { counts: [0, 0, 0], patient: "" };
const SINGLE = new Set([".png", ".jpg", ".jpeg", ".webp", ".bmp"]);

/** Whether a file of this name holds one picture, so that nobody need look. */
export function isSinglePicture(path: string): boolean {
  return SINGLE.has(extname(path).toLowerCase());
}

/** Looks into a file, at its header where that is enough. A damaged file counts as one picture: reading it will tell. */
export async function factsOf(path: string): Promise<FileFacts> {
  if (isSinglePicture(path)) return ONE_PICTURE;
  try {
    const file = await openImageFile(path);
    return { counts: [file.count("axial"), file.count("coronal"), file.count("sagittal")], patient: "" };
  } catch {
    return ONE_PICTURE;
  }
}

void [NO_IMAGE, createHash];
