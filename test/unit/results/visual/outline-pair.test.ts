import { describe, expect, test } from "vitest";
import {
  blankImage,
  classColour,
  outlinePair,
  type RgbImage,
  TRUTH_COLOUR,
} from "../../../../src/results/visual/index.ts";

const GREY = [100, 100, 100] as const;

/** A map of 224 × 224 pixels. */
function map(of: (y: number, x: number) => number) {
  return {
    height: 224,
    width: 224,
    data: Uint8Array.from({ length: 224 * 224 }, (_, at) => of(Math.floor(at / 224), at % 224)),
  };
}

const within = (y: number, x: number, top: number, left: number, size: number) =>
  y >= top && y < top + size && x >= left && x < left + size;

const pixel = ({ data, width }: RgbImage, y: number, x: number) => [
  ...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3),
];

/** The colours along one row, without repetitions. */
function coloursOf(picture: RgbImage, y: number): number[][] {
  const all = Array.from({ length: picture.width }, (_, x) => pixel(picture, y, x));
  return all.filter((colour, x) => x === 0 || colour.join() !== all[x - 1]?.join());
}

const [white, dark, grey, blue] = [[...TRUTH_COLOUR], [16, 16, 16], [...GREY], [...classColour(1)]];

describe("truth and prediction in one picture", () => {
  const truth = map((y, x) => Number(within(y, x, 50, 50, 100)));

  test("two outlines that differ are a white and a coloured line, both with dark edges", () => {
    const predicted = map((y, x) => Number(within(y, x, 50, 70, 100)));
    const picture = outlinePair(blankImage(112, 112, GREY), truth, predicted, { numClasses: 2 });
    expect([picture.height, picture.width]).toEqual([448, 448]);
    const line = (colour: number[]) => [dark, colour, dark, grey];
    expect(coloursOf(picture, 200)).toEqual([grey, ...[white, blue, white, blue].flatMap(line)]);
    // The map's pixel 50 is the picture's 100.
    expect([97, 98, 102, 103].map((x) => pixel(picture, 200, x))).toEqual([dark, white, white, dark]);
    expect([138, 139, 141, 142].map((x) => pixel(picture, 200, x))).toEqual([dark, blue, blue, dark]);
  });

  test("where they are the same, the prediction runs within the truth", () => {
    const picture = outlinePair(blankImage(112, 112, GREY), truth, truth, { numClasses: 2 });
    const line = [dark, white, blue, white, dark, grey];
    expect(coloursOf(picture, 200)).toEqual([grey, ...line, ...line]);
  });

  test("a large picture keeps its size and has wider lines", () => {
    const picture = outlinePair(
      blankImage(896, 900, GREY),
      truth,
      map(() => 0),
      { numClasses: 2 },
    );
    expect([picture.height, picture.width]).toEqual([900, 896]);
    const whites = Array.from({ length: 400 }, (_, x) => pixel(picture, 450, x)).filter(
      (c) => c.join() === white.join(),
    );
    expect(whites.length).toBe(9);
  });
});

test("each of several classes has its colour: the truth inside, the prediction in its line", () => {
  const truth = map((y, x) => (within(y, x, 20, 20, 60) ? 1 : within(y, x, 120, 120, 60) ? 2 : 0));
  const predicted = map((y, x) => (within(y, x, 20, 20, 60) ? 2 : 0));
  const picture = outlinePair(blankImage(224, 224, GREY), truth, predicted, { numClasses: 3 });
  const tinted = (k: number) => classColour(k).map((part) => Math.round(100 + 0.3 * (part - 100)));
  expect(pixel(picture, 100, 100)).toEqual(tinted(1));
  expect(pixel(picture, 300, 300)).toEqual(tinted(2));
  expect(pixel(picture, 100, 40)).toEqual([...classColour(2)]);
  expect(pixel(picture, 300, 240)).toEqual(white);
});

test("nothing is drawn where nobody has judged, and edges at the border are", () => {
  const truth = map((y, x) => (y < 112 ? 255 : Number(x < 50)));
  const picture = outlinePair(
    blankImage(224, 224, GREY),
    truth,
    map((y) => Number(y < 100)),
    { numClasses: 2 },
  );
  expect(coloursOf(picture, 100)).toEqual([grey]);
  expect(pixel(picture, 300, 0)).toEqual(white);
});

test("the image and both maps stay as they were, and sizes that do not fit are refused", () => {
  const image = blankImage(448, 448, GREY);
  const truth = map(() => 1);
  outlinePair(image, truth, truth, { numClasses: 3 });
  expect(image).toEqual(blankImage(448, 448, GREY));
  expect(truth).toEqual(map(() => 1));
  const short = { ...truth, height: 5 };
  expect(() => outlinePair(image, short, truth, { numClasses: 2 })).toThrow(
    /outlining truth and prediction: expected a grid/,
  );
});
