import type { NumericArray, SourceImage } from "../../formats/source-image.ts";
import { MsmaeError } from "../../support/errors.ts";
import { LIGHT, type SampleMask } from "../sample.ts";

/** Whether a mask shows where one thing is, or its values are labels. */
export type MaskKind = "outline" | "labels";

/** Colours of a mask at most, as many as a palette holds. Photographs have more. */
const MOST_COLOURS = 256;

export function maskKind(mask: SampleMask): MaskKind {
  return "values" in mask ? "labels" : "outline";
}

/**
 * One value for each pixel of a mask, [height, width]: grey as it is, and of a colour, where only that something is drawn
 * matters, its brightest channel.
 *
 * @param where of the mask, for messages.
 * @throws MsmaeError Data when labels are colours, or there are more colours than any mask has.
 */
export function maskValues(where: string, picture: SourceImage, kind: MaskKind): NumericArray {
  const { values, channels } = picture;
  if (channels === 1) return values;
  const brightest = values.slice(0, values.length / channels);
  const colours = new Set<number>();
  let last = Number.NaN;
  for (let at = 0, from = 0; at < brightest.length; at++, from += channels) {
    const [red, green, blue] = [values[from], values[from + 1], values[from + 2]] as [number, number, number];
    brightest[at] = Math.max(red, green, blue);
    if (red === green && green === blue) continue;
    if (kind === "labels") throw colouredLabels(where, picture, at);
    const colour = (red * 65_536 + green) * 65_536 + blue;
    // Neighbours are most often alike.
    if (colour !== last) colours.add(colour);
    last = colour;
    if (colours.size > MOST_COLOURS) throw photograph(where);
  }
  return brightest;
}

/**
 * Whether a pixel of an outline is labelled.
 *
 * @param light whether only light values are, as {@link Outline.light}.
 */
export function isLabelled(value: number, light: boolean): boolean {
  // What is no number is no label.
  return Number.isFinite(value) && (light ? isLight(value) : Math.round(value) !== 0);
}

export function isLight(value: number): boolean {
  return Number.isFinite(value) && Math.round(value) >= LIGHT;
}

function colouredLabels(where: string, { values, width }: SourceImage, pixel: number): MsmaeError {
  const colour = values.subarray(3 * pixel, 3 * pixel + 3).join(", ");
  const save = "Image.fromarray(numpy.array(Image.open(FILE))).save(FILE)";
  return new MsmaeError("Data", {
    where,
    expected: "grey values that are the numbers of labels",
    got: `the colour ${colour} at column ${pixel % width}, row ${Math.floor(pixel / width)}`,
    todo: `save each label's number as a grey value; of a PNG with a palette, Pillow has the numbers: ${save}`,
  });
}

function photograph(where: string): MsmaeError {
  return new MsmaeError("Data", {
    where,
    expected: `a mask, of at most ${MOST_COLOURS} colours`,
    got: "more",
    todo: "give the mask, not the image; a coloured mask saved as JPEG has to be drawn anew as PNG, or saved as grey",
  });
}
