import { describe, expect, test } from "vitest";
import { areaOf, classesAtSize } from "../../../src/results/mask-of-outputs.ts";
import { RandomStream } from "../../../src/support/random.ts";
import { resizeGrid } from "../../support/bilinear.ts";

const stream = RandomStream.for(3, "phantom");
const noise = (length: number) => Float64Array.from({ length }, () => stream.uniform());

describe.each([
  [
    { height: 5, width: 7 },
    { height: 23, width: 40 },
  ],
  [
    { height: 8, width: 8 },
    { height: 8, width: 8 },
  ],
  [
    { height: 9, width: 12 },
    { height: 4, width: 5 },
  ],
  [
    { height: 1, width: 1 },
    { height: 3, width: 2 },
  ],
])("probabilities on %o for an image of %o", (from, to) => {
  const area = from.height * from.width;

  test("the likeliest class of the interpolated probabilities counts", () => {
    const probabilities = noise(3 * area);
    const maps = [0, 1, 2].map((k) => {
      return resizeGrid({ ...from, data: probabilities.subarray(k * area, (k + 1) * area) }, to.height, to.width);
    });
    const { classes, pixels, confidences } = classesAtSize(probabilities, 3, from, to);
    const sums = [0, 0, 0];
    classes.forEach((k, at) => {
      const values = maps.map((map) => map[at] as number);
      expect(values[k]).toBe(Math.max(...values));
      sums[k] = (sums[k] as number) + (values[k] as number);
    });
    expect(pixels).toEqual([0, 1, 2].map((k) => classes.filter((value) => value === k).length));
    confidences.forEach((confidence, k) => {
      if (pixels[k] === 0) expect(confidence).toBeNull();
      else expect(confidence).toBeCloseTo((sums[k] as number) / (pixels[k] as number), 12);
    });
  });

  test("of one channel what reaches the threshold is inside", () => {
    const probabilities = noise(area);
    const map = resizeGrid({ ...from, data: probabilities }, to.height, to.width);
    const threshold = map[Math.floor(map.length / 2)] as number;
    const { classes } = classesAtSize(probabilities, 1, from, to, threshold);
    expect([...classes]).toEqual([...map].map((value) => Number(value >= threshold)));
  });
});

test("the confidence of the outside is that it is not inside", () => {
  const size = { height: 1, width: 3 };
  const { classes, confidences, pixels } = classesAtSize([0.5, 0.1, 0.9], 1, size, size);
  expect([...classes]).toEqual([1, 0, 1]);
  expect(pixels).toEqual([1, 2]);
  expect(confidences).toEqual([0.9, 0.7]);
});

test("an area is known where the pixels' size is", () => {
  expect(areaOf(10, [0.5, 0.25])).toBe(1.25);
  expect(areaOf(10, undefined)).toBeUndefined();
});
