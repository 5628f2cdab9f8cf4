/** Side of a thumbnail in pixels. */
export const THUMB_SIDE = 32;
/** Pixels of a thumbnail. */
export const THUMB_AREA = THUMB_SIDE * THUMB_SIDE;
/** The symmetries of the square: four turns, each also mirrored. */
export const SYMMETRIES = 8;

/**
 * What each symmetry does to a picture. Bit 2 of the index transposes, then bit 0 mirrors left to right and bit 1 top
 * to bottom.
 */
export const SYMMETRY_NAMES: readonly string[] = [
  "as it is",
  "mirrored left to right",
  "mirrored top to bottom",
  "turned by 180°",
  "turned by 90° and mirrored",
  "turned by 90° clockwise",
  "turned by 90° anticlockwise",
  "turned by 90° anticlockwise and mirrored",
];

/** A thumbnail [32, 32] seen through a symmetry. */
export function turned(thumb: Uint8Array, symmetry: number): Uint8Array {
  const out = new Uint8Array(THUMB_AREA);
  const last = THUMB_SIDE - 1;
  for (let y = 0; y < THUMB_SIDE; y++) {
    for (let x = 0; x < THUMB_SIDE; x++) {
      const fromX = symmetry & 1 ? last - x : x;
      const fromY = symmetry & 2 ? last - y : y;
      const from = symmetry & 4 ? fromX * THUMB_SIDE + fromY : fromY * THUMB_SIDE + fromX;
      out[y * THUMB_SIDE + x] = thumb[from] as number;
    }
  }
  return out;
}
