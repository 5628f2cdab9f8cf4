/**
 * Inks to colours, without any profile: each ink takes its share of the light that black leaves.
 *
 * @param inks [pixels, 4]: cyan, magenta, yellow, black; `white` is all of an ink.
 * @returns [pixels, 3].
 * Source: Pillow's `convert("RGB")`, whose rounding is the nearest.
 */
export function inksToRgb<T extends Uint8Array | Uint16Array>(inks: T, white: number): T {
  const pixels = inks.length / 4;
  const colours = inks.slice(0, pixels * 3) as T;
  for (let at = 0; at < pixels; at++) {
    const light = white - (inks[at * 4 + 3] as number);
    for (let ink = 0; ink < 3; ink++) {
      colours[at * 3 + ink] = light - Math.round(((inks[at * 4 + ink] as number) * light) / white);
    }
  }
  return colours;
}
