import { MsmaeError, messageOf } from "../support/errors.ts";
import { limitMet } from "../support/machine-limits.ts";

/** The formats that open, as messages name them. */
export const FORMAT_NAMES = "PNG, JPEG, WebP, BMP, TIFF, DICOM, NIfTI or NumPy";

/**
 * A Data error about one file: `cause` as it is where it already is one, else said in the terms of the file. A Device
 * error where a limit of the machine was met: that says nothing of the file, which must not be left out as unreadable.
 */
export function unreadable(where: string, cause: unknown): MsmaeError {
  if (cause instanceof MsmaeError) return cause;
  const met = limitMet(where, "room to open and decode it", cause);
  if (met) return met;
  const expected = `a readable ${FORMAT_NAMES} image`;
  // libvips says the same thing once for every strip.
  const [got = ""] = messageOf(cause).split("\n");
  return new MsmaeError("Data", { where, expected, got, todo: "repair or remove the file" }, { cause });
}

/** A Data error for something in a file that the limits on untrusted files refuse. */
export function overLimit(where: string, expected: string, got: string): MsmaeError {
  return new MsmaeError("Data", { where, expected, got, todo: "remove the file, or raise the limit on files" });
}
