import type { NumericArray, SourceImage } from "../../formats/source-image.ts";
import { MsmaeError } from "../../support/errors.ts";
import { isLabelled, isLight, maskKind, maskValues } from "../index/mask-values.ts";
import type { LabelMap, Outline, SampleMask } from "../sample.ts";

/**
 * Paints what a mask outlines over the classes of what earlier masks do; its background leaves them as they are. Values
 * are rounded; what is no number is no label.
 *
 * @param classes uint8 [height, width] of the picture.
 * @throws MsmaeError Data when labels are colours, the mask is a photograph, or it holds a value that is no class.
 */
export function paintMask(classes: Uint8Array, mask: SampleMask, picture: SourceImage): void {
  const values = maskValues(mask.path, picture, maskKind(mask));
  const classOf = "values" in mask ? classOfValues(mask) : classOfLabelled(mask, values);
  // Neighbours are most often alike.
  let last = Number.NaN;
  let painted = 0;
  for (let at = 0; at < classes.length; at++) {
    const value = values[at] as number;
    if (value !== last) {
      const found = classOf(value);
      if (found === undefined) throw noClass(mask, value, at, picture);
      [last, painted] = [value, found];
    }
    if (painted !== 0) classes[at] = painted;
  }
}

function classOfValues({ values }: LabelMap) {
  return (value: number): number | undefined => {
    if (!Number.isFinite(value)) return 0;
    // What is not named is background where nothing is drawn, and a fault anywhere else.
    return values.get(Math.round(value)) ?? (Math.round(value) === 0 ? 0 : undefined);
  };
}

function classOfLabelled(mask: Outline, values: NumericArray) {
  const light = mask.light ?? values.some(isLight);
  return (value: number): number | undefined => (isLabelled(value, light) ? mask.class : 0);
}

function noClass(mask: SampleMask, value: number, pixel: number, { width }: SourceImage): MsmaeError {
  const known = "values" in mask ? [...mask.values.keys()] : [];
  return new MsmaeError("Data", {
    where: mask.path,
    expected: `values that stand for a class (${known.join(", ")})`,
    got: `${value} at column ${pixel % width}, row ${Math.floor(pixel / width)}`,
    todo: "name the label where the data set names its classes, or correct the mask",
  });
}
