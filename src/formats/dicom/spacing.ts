import type { PixelSpacing } from "../source-image.ts";
import type { DataSet } from "./data-set.ts";
import { frameSources } from "./grey.ts";

const MEASURES = ["PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing"] as const;

/** In mm, at the patient where known, else at the detector or the scanner's glass. */
export function anySpacing(dataSet: DataSet): PixelSpacing | undefined {
  return spacingBy(dataSet, 0, MEASURES);
}

/** In mm at the patient: what is known of a detector alone says little of how large a thing in the body is. */
export function patientSpacing(dataSet: DataSet, frame: number): PixelSpacing | undefined {
  return spacingBy(dataSet, frame, ["PixelSpacing"]);
}

function spacingBy(
  dataSet: DataSet,
  frame: number,
  keywords: readonly (typeof MEASURES)[number][],
): PixelSpacing | undefined {
  for (const source of frameSources(dataSet, frame, "PixelMeasuresSequence")) {
    for (const keyword of keywords) {
      const [row, column = row] = source.numbers(keyword);
      if (row !== undefined && column !== undefined && row > 0 && column > 0) return [row, column];
    }
  }
  return undefined;
}
