import { expect, test } from "vitest";
import { openImageBytes } from "../../../../src/formats/node/index.ts";
import { encodeGreyPng } from "../../../../src/results/report/index.ts";
import { blankImage, classColour, maskPixels, outlineClasses } from "../../../../src/results/visual/index.ts";

const CLASSES = [
  [0, 0, 0, 0, 0, 0],
  [0, 1, 1, 1, 2, 0],
  [0, 1, 1, 1, 2, 0],
  [0, 1, 1, 1, 0, 255],
];
const classes = Uint8Array.from(CLASSES.flat());

test("every class is outlined in its colour, the ignored pixels and the background are not", () => {
  const grey = [7, 7, 7];
  const drawn = outlineClasses(blankImage(6, 4, [7, 7, 7]), { height: 4, width: 6, data: classes });
  const pixel = (y: number, x: number) => [...drawn.data.subarray((y * 6 + x) * 3, (y * 6 + x + 1) * 3)];
  // The middle of the first class has all its neighbours inside.
  const expected = CLASSES.map((row, y) =>
    row.map((k, x) => (k === 0 || k === 255 || (y === 2 && x === 2) ? grey : [...classColour(k)])),
  );
  expect(CLASSES.map((row, y) => row.map((_, x) => pixel(y, x)))).toEqual(expected);
});

test("neighbouring classes have colours of their own", () => {
  const colours = [1, 2, 3, 4, 5, 6, 7].map((k) => classColour(k).join());
  expect(new Set(colours).size).toBe(7);
  expect(classColour(8)).toEqual(classColour(1));
});

test("a mask of other sizes than its image is refused", () => {
  const image = blankImage(5, 4, [0, 0, 0]);
  expect(() => outlineClasses(image, { height: 4, width: 6, data: classes })).toThrow(/outlining a mask/);
});

test.each([
  [2, (k: number) => (k === 0 ? 0 : 255)],
  [3, (k: number) => k],
] as const)("a mask of %i classes is read back from its PNG, byte for byte", async (numClasses, shown) => {
  const own = Uint8Array.from({ length: 37 * 11 }, (_, at) => at % numClasses);
  const file = await openImageBytes(await encodeGreyPng(maskPixels(own, numClasses), 37, 11));
  const { width, height, channels, values } = await file.read(0, "axial");
  expect({ width, height, channels }).toEqual({ width: 37, height: 11, channels: 1 });
  expect([...values]).toEqual([...own].map(shown));
  expect(file.header.bitsPerSample).toBe(8);
});
