import { stat } from "node:fs/promises";
import type { ReadingOptions } from "../../data/pictures/reading.ts";
import { openImageFile } from "../../formats/node/open-image-file.ts";
import { failureOf } from "../../support/errors.ts";
import { type Fingerprint, fingerprintOf } from "./fingerprint.ts";
import { identifyingAttributes } from "./identity.ts";

/** One file to look at. */
export interface FileTask {
  path: string;
  /** Its pictures that belong to the data set; undefined stands for the only one, or the default one. */
  items: (number | undefined)[];
}

export interface Unreadable {
  error: { code: string; message: string };
}

export type PictureOutcome = Fingerprint | Unreadable;

/** What is known of a file as a whole. */
export interface FileOutcome {
  /** Such as `PNG`; `unknown` where it cannot be opened. */
  format: string;
  bytes: number;
  /** Names of DICOM attributes that may tell who the patient is. */
  identifying: string[];
}

/**
 * Looks at the pictures of a file, one after the other. What cannot be read is told, not thrown.
 *
 * @param onPicture hears of each picture, by its position among the task's items.
 */
export async function scanFile(
  { path, items }: FileTask,
  { window, sliceAxis, alpha }: ReadingOptions,
  onPicture: (at: number, outcome: PictureOutcome) => void,
): Promise<FileOutcome> {
  try {
    const file = await openImageFile(path, {}, alpha);
    const { size } = await stat(path);
    for (const [at, item] of items.entries()) {
      const outcome = await file
        .read(item ?? file.defaultItem?.(sliceAxis) ?? 0, sliceAxis)
        .then((source) => fingerprintOf(source, window, path))
        .catch(unreadable);
      onPicture(at, outcome);
    }
    // A header too odd for a list of its attributes has still given a picture.
    const identifying = file.format === "DICOM" ? await identifyingAttributes(path).catch(() => []) : [];
    return { format: file.format, bytes: size, identifying };
  } catch (error) {
    for (const at of items.keys()) onPicture(at, unreadable(error));
    return { format: "unknown", bytes: 0, identifying: [] };
  }
}

export function unreadable(error: unknown): Unreadable {
  return { error: failureOf(error) };
}
