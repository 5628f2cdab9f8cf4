import { wholeImage } from "../../geometry/geometry.ts";
import { followNearest } from "../../geometry/nearest.ts";
import { IGNORED } from "../../support/ignored.ts";
import { checkGrid, type Grid, type Rgb, type RgbImage } from "./image.ts";
import { type OutlineOptions, outlineMask } from "./overlay.ts";

/** Colours that people with any kind of colour vision tell apart. Source: Okabe and Ito 2008. */
const COLOURS: readonly Rgb[] = [
  [86, 180, 233],
  [230, 159, 0],
  [0, 158, 115],
  [204, 121, 167],
  [240, 228, 66],
  [213, 94, 0],
  [0, 114, 178],
];

/** The colour of a class of pixels, from 1; they repeat after seven. */
export function classColour(k: number): Rgb {
  return COLOURS[(k - 1) % COLOURS.length] as Rgb;
}

/** The pixels of a mask in a grey picture: 0 and 255 where there is one class beside the background, else the indices. */
export function maskPixels(classes: Uint8Array, numClasses: number): Uint8Array {
  return numClasses <= 2 ? classes.map((k) => (k === 0 ? 0 : 255)) : classes.slice();
}

/** A map of class indices brought to a picture's size by nearest: uint8 [height, width] of the picture. @throws MsmaeError as `checkGrid`, of `where`. */
export function classesAt(
  { height, width, data }: Grid,
  { height: toHeight, width: toWidth }: Pick<RgbImage, "height" | "width">,
  where: string,
): Uint8Array<ArrayBuffer> {
  checkGrid(where, { height, width, data });
  const out = new Uint8Array(toHeight * toWidth);
  followNearest(Uint8Array.from(data), wholeImage(height, width), {
    height: toHeight,
    width: toWidth,
    outside: 0,
    out,
  });
  return out;
}

/**
 * The outline of every class but the background drawn into a copy of an image of the same size, each in its
 * {@link classColour}.
 *
 * @param classes class indices; those of `ignored` are no class.
 * @throws MsmaeError "Shape" when the sizes differ.
 */
export function outlineClasses(
  image: RgbImage,
  classes: Grid,
  { thickness, ignored = IGNORED }: Pick<OutlineOptions, "thickness"> & { ignored?: number } = {},
): RgbImage {
  checkGrid("outlining classes", classes);
  const values = Uint8Array.from(classes.data);
  const present = [...new Set(values)].filter((k) => k !== 0 && k !== ignored).sort((a, b) => a - b);
  return present.reduce((drawn, k) => {
    const mask = { ...classes, data: values.map((value) => Number(value === k)) };
    return outlineMask(drawn, mask, { colour: classColour(k), ...(thickness === undefined ? {} : { thickness }) });
  }, image);
}
