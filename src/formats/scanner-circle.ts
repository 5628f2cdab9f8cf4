import type { NumericArray } from "./source-image.ts";

/** In Hounsfield units. Air has −1000, and noise does not reach this far; scanners write such numbers outside their circle. */
export const OUTSIDE_CIRCLE = -2000;

/**
 * Marks the pixels of a CT picture that lie outside the circle that the scanner sees.
 *
 * @param values in Hounsfield units.
 * @param marks what is marked already, and is added to.
 * @returns [pixels], 1 where there is no measurement; undefined where there is no mark at all.
 */
export function markOutsideCircle(values: NumericArray, marks?: Uint8Array): Uint8Array | undefined {
  if (values instanceof Uint8Array || values instanceof Uint16Array || values instanceof Uint32Array) return marks;
  let found = marks;
  for (let at = 0; at < values.length; at++) {
    if (!((values[at] as number) <= OUTSIDE_CIRCLE)) continue;
    found ??= new Uint8Array(values.length);
    found[at] = 1;
  }
  return found;
}
