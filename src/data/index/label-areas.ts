import type { VoxelGrid } from "../../formats/nifti/grid.ts";
import type { SliceAxis } from "../../formats/source-image.ts";
import { MsmaeError } from "../../support/errors.ts";
import { openMask } from "./mask-file.ts";
import { type MaskKind, maskValues } from "./mask-values.ts";

/** Different labels of one slice of a mask. */
const MOST_LABELS = 2 ** 16;

/** For each slice, the labelled pixels of each value of the mask; 0 is no label. */
export type LabelAreas = ReadonlyMap<number, number>[];

/** A mask file, and what its values say. */
export interface MaskSource {
  path: string;
  kind: MaskKind;
}

/**
 * Counts the pixels of each whole value in every slice of a mask file.
 *
 * @param grid its image's: slices are those of the image.
 * @throws MsmaeError Data when it cannot be read, is no mask, or lies elsewhere than its image.
 */
export async function labelAreasOf({ path, kind }: MaskSource, axis: SliceAxis, grid?: VoxelGrid): Promise<LabelAreas> {
  const file = await openMask(path, grid);
  const areas: Map<number, number>[] = [];
  for (let at = 0; at < file.count(axis); at++) {
    const area = new Map<number, number>();
    for (const number of maskValues(path, await file.read(at, axis), kind)) {
      const value = Math.round(number);
      // What is no number is no label either.
      if (value !== 0 && Number.isFinite(value)) area.set(value, (area.get(value) ?? 0) + 1);
      if (area.size > MOST_LABELS) throw tooManyLabels(path);
    }
    areas.push(area);
  }
  return areas;
}

function tooManyLabels(where: string): MsmaeError {
  const expected = `a mask of at most ${MOST_LABELS} labels`;
  return new MsmaeError("Data", { where, expected, got: "more in one slice", todo: "give the mask, not the image" });
}
