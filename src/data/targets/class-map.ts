import type { SourceImage } from "../../formats/source-image.ts";
import { MsmaeError } from "../../support/errors.ts";
import { type LabelMap, LIGHT, type Outline, type SampleMask } from "../sample.ts";

/**
 * Paints what a mask outlines over the classes of what earlier masks do; its background leaves them as they are. Values
 * are rounded; what is no number is no label.
 *
 * @param classes uint8 [height, width] of the picture.
 * @throws MsmaeError Data when the mask is coloured, or holds a value that is no class.
 */
export function paintMask(classes: Uint8Array, mask: SampleMask, picture: SourceImage): void {
  checkGrey(mask.path, picture);
  const classOf = "values" in mask ? classOfValues(mask) : classOfLabelled(mask, picture);
  const { values, channels } = picture;
  // Neighbours are most often alike.
  let last = Number.NaN;
  let painted = 0;
  for (let at = 0, from = 0; at < classes.length; at++, from += channels) {
    const value = values[from] as number;
    if (value !== last) [last, painted] = [value, classOf(value)];
    if (painted !== 0) classes[at] = painted;
  }
}

function classOfValues({ path, values }: LabelMap) {
  return (value: number): number => {
    if (!Number.isFinite(value)) return 0;
    const known = values.get(Math.round(value));
    if (known !== undefined) return known;
    // What is not named is background where nothing is drawn, and a fault anywhere else.
    if (Math.round(value) === 0) return 0;
    throw new MsmaeError("Data", {
      where: path,
      expected: `values that stand for a class (${[...values.keys()].join(", ")})`,
      got: `${value}`,
      todo: "name the label, or correct the mask",
    });
  };
}

function classOfLabelled(mask: Outline, { values, channels }: SourceImage) {
  const isLight = (value: number) => Math.round(value) >= LIGHT;
  const light = mask.light ?? values.some((value, at) => at % channels === 0 && isLight(value));
  return (value: number): number => {
    const labelled = light ? isLight(value) : Number.isFinite(value) && Math.round(value) !== 0;
    return labelled ? mask.class : 0;
  };
}

function checkGrey(where: string, { values, channels, width }: SourceImage): void {
  if (channels === 1) return;
  for (let at = 0; at < values.length; at += 3) {
    const [red, green, blue] = [values[at], values[at + 1], values[at + 2]];
    if (red === green && green === blue) continue;
    const pixel = at / 3;
    throw new MsmaeError("Data", {
      where,
      expected: "a mask of grey values",
      got: `the colour ${red}, ${green}, ${blue} at column ${pixel % width}, row ${Math.floor(pixel / width)}`,
      todo: "save the mask with one channel",
    });
  }
}
