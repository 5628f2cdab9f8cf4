import { IGNORED } from "../../support/ignored.ts";
import { classColour, classesAt } from "./classes.ts";
import { checkImage, copyImage, enlarge, type Grid, type Rgb, type RgbImage } from "./image.ts";

/** Pictures whose longer side is shorter are enlarged, so that lines are thin beside what they go round. */
const SHOWN_PIXELS = 448;
/** Half widths of lines, for each {@link SHOWN_PIXELS}: the truth's is seen on both sides of a prediction on top of it. */
const TRUTH = 2;
const PREDICTION = 1;
const CASING = 1;
const TINT = 0.3;

/** Of the lines round the truth, whatever its classes. */
export const TRUTH_COLOUR: Rgb = [255, 255, 255];
/** Round all lines, so that they are seen on light pictures also. */
const CASING_COLOUR: Rgb = [16, 16, 16];

/** Options of {@link outlinePair}. */
export interface OutlinePairOptions {
  /** With the background. From three on the inside of the truth has a tint of its class's colour. */
  numClasses: number;
  /** The value of true pixels that nobody has judged: neither truth nor prediction is drawn there. Default 255. */
  ignored?: number;
}

/**
 * What is and what was said to be, in one picture: a broad white line round the truth, a narrow one in each
 * {@link classColour} round the prediction, on top. Both have a dark edge. The two differ in brightness and width too, so
 * that no colour vision is needed.
 *
 * @param image of any size, also smaller than the maps; enlarged by a whole number up to 448 pixels and more.
 * @param truth [height, width] class indices, 0 for the background; brought to the picture's size by nearest.
 * @param predicted as `truth`, of any size.
 * @throws MsmaeError "Shape" when image or maps do not fit their sizes.
 */
export function outlinePair(
  image: RgbImage,
  truth: Grid,
  predicted: Grid,
  { numClasses, ignored = IGNORED }: OutlinePairOptions,
): RgbImage {
  checkImage("outlining truth and prediction", image);
  const factor = Math.ceil(SHOWN_PIXELS / Math.max(image.width, image.height));
  const picture = copyImage(enlarge(image, factor));
  const unit = Math.round(Math.max(picture.width, picture.height) / SHOWN_PIXELS);
  const [trueClasses, predictedClasses] = [truth, predicted].map((map) =>
    classesAt(map, picture, "outlining truth and prediction"),
  ) as [Uint8Array, Uint8Array];
  for (let at = 0; at < trueClasses.length; at++) {
    if (trueClasses[at] === ignored) trueClasses[at] = predictedClasses[at] = 0;
  }
  if (numClasses > 2) tint(picture, trueClasses);
  const lines = [
    { edges: edgesOf(trueClasses, picture), half: TRUTH * unit, colour: () => TRUTH_COLOUR },
    { edges: edgesOf(predictedClasses, picture), half: PREDICTION * unit, colour: classColour },
  ];
  for (const { edges, half } of lines) draw(picture, edges, half + CASING * unit, () => CASING_COLOUR);
  for (const { edges, half, colour } of lines) draw(picture, edges, half, colour);
  return picture;
}

function tint(picture: RgbImage, classes: Uint8Array): void {
  classes.forEach((k, at) => {
    if (k === 0) return;
    classColour(k).forEach((part, channel) => {
      const place = at * 3 + channel;
      const from = picture.data[place] as number;
      picture.data[place] = Math.round(from + (part - from) * TINT);
    });
  });
}

/** A pixel at the edge of what is of its class. */
interface Edge {
  x: number;
  y: number;
  k: number;
}

function edgesOf(classes: Uint8Array, { width, height }: RgbImage): Edge[] {
  const edges: Edge[] = [];
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      const k = classes[at] as number;
      if (k === 0) continue;
      const within = x > 0 && y > 0 && x < width - 1 && y < height - 1;
      const alike = within && [at - 1, at + 1, at - width, at + width].every((beside) => classes[beside] === k);
      if (!alike) edges.push({ x, y, k });
    }
  }
  return edges;
}

/** A disc of radius `half` at every edge. */
function draw(picture: RgbImage, edges: readonly Edge[], half: number, colourOf: (k: number) => Rgb): void {
  const { width, height, data } = picture;
  for (const { x, y, k } of edges) {
    const colour = colourOf(k);
    for (let v = Math.max(0, y - half); v <= Math.min(height - 1, y + half); v++) {
      for (let u = Math.max(0, x - half); u <= Math.min(width - 1, x + half); u++) {
        if ((v - y) ** 2 + (u - x) ** 2 <= half * half) data.set(colour, (v * width + u) * 3);
      }
    }
  }
}
