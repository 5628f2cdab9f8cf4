import { describe, expect, test } from "vitest";
import {
  blankImage,
  colourTable,
  contactSheet,
  enlarge,
  enlargeGrid,
  enlargeMap,
  type Grid,
  greyToRgb,
  maskingView,
  outlineMask,
  overlayMap,
  predictionToImage,
  type RgbImage,
  reconstructionPanel,
} from "../../../src/results/visual/index.ts";

const grid = (height: number, width: number, data: number[]): Grid => ({ height, width, data });
const pixel = (image: RgbImage, x: number, y: number): number[] => {
  const start = (y * image.width + x) * 3;
  return [...image.data.subarray(start, start + 3)];
};

describe("colour maps", () => {
  // Ends and middles of matplotlib's tables.
  test.each([
    ["viridis", 0, [0x44, 0x01, 0x54]],
    ["viridis", 127, [0x21, 0x91, 0x8c]],
    ["viridis", 255, [0xfd, 0xe7, 0x25]],
    ["inferno", 0, [0x00, 0x00, 0x04]],
    ["inferno", 127, [0xbc, 0x37, 0x54]],
    ["inferno", 255, [0xfc, 0xff, 0xa4]],
  ] as const)("%s entry %i is matplotlib's within the fit's error", (name, entry, expected) => {
    for (const [channel, value] of expected.entries()) {
      expect(Math.abs((colourTable(name)[entry * 3 + channel] as number) - value)).toBeLessThanOrEqual(4);
    }
  });
});

/**
 * Mean and standard deviation over all values of each patch: unbiased variance, 1e-6 inside the root, as `normPixLoss`.
 *
 * @param patches [L, values] normalised target pixels.
 */
function patchStatistics(patches: ArrayLike<number>, valuesPerPatch: number) {
  const count = patches.length / valuesPerPatch;
  const mean = new Float64Array(count);
  const std = new Float64Array(count);
  for (let p = 0; p < count; p++) {
    let sum = 0;
    for (let i = 0; i < valuesPerPatch; i++) sum += patches[p * valuesPerPatch + i] as number;
    mean[p] = sum / valuesPerPatch;
    let squares = 0;
    for (let i = 0; i < valuesPerPatch; i++)
      squares += ((patches[p * valuesPerPatch + i] as number) - sum / valuesPerPatch) ** 2;
    std[p] = Math.sqrt(squares / (valuesPerPatch - 1) + 1e-6);
  }
  return { mean, std };
}

describe("enlargeMap", () => {
  test("[1,2] to [1,4]: the cubic B-spline of two cells with their edges repeated", () => {
    // A quarter of a cell from its middle: 1/6 (1 - t)³ and so on at t = 0.75 and 0.25.
    const share = (t: number) => 1 - (1 - t) ** 3 / 6 - (3 * t ** 3 - 6 * t ** 2 + 4) / 6;
    const values = [...enlargeMap(grid(1, 2, [0, 1]), 1, 4)];
    const expected = [0.75 ** 3 / 6, share(0.25), 1 - share(0.25), 1 - 0.75 ** 3 / 6];
    values.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i] as number, 14);
    });
  });

  test("rows and columns are not mixed up: [2,1] to [4,2] is [1,2] to [1,4] turned, twice", () => {
    const flat = enlargeMap(grid(1, 2, [0, 1]), 1, 4);
    expect([...enlargeMap(grid(2, 1, [0, 1]), 4, 2)]).toEqual([...flat].flatMap((value) => [value, value]));
  });

  test("the peak of two equal neighbours lies between them, and that of one cell on it", () => {
    const between = enlargeMap(grid(1, 4, [0, 1, 1, 0]), 1, 41);
    expect(between.indexOf(Math.max(...between))).toBe(20);
    const on = enlargeMap(grid(1, 3, [0, 1, 0]), 1, 33);
    expect(on.indexOf(Math.max(...on))).toBe(16);
  });

  test("a map of every pixel stays as it is", () => {
    expect([...enlargeMap(grid(2, 2, [1, 5, 2, 9]), 2, 2)]).toEqual([1, 5, 2, 9]);
  });

  test("a constant map stays exactly constant", () => {
    expect(new Set(enlargeMap(grid(3, 2, Array(6).fill(0.1)), 17, 23))).toEqual(new Set([0.1]));
  });

  test.each([
    ["wrong size", grid(2, 2, [1, 2, 3]), "Shape"],
    ["no cells", grid(0, 0, []), "Shape"],
    ["NaN", grid(1, 2, [1, Number.NaN]), "Data"],
  ])("%s is a named error", (_, bad, code) => {
    expect(() => enlargeMap(bad, 2, 2)).toThrow(expect.objectContaining({ code }));
  });
});

describe("overlayMap", () => {
  const image = blankImage(2, 1, [100, 100, 100]);

  test("opacity 1 shows the map's colours from its minimum to its maximum", () => {
    const table = colourTable("inferno");
    const result = overlayMap(image, grid(1, 2, [3, 5]), { opacity: 1 });
    expect(pixel(result, 0, 0)).toEqual([...table.subarray(0, 3)]);
    expect(pixel(result, 1, 0)).toEqual([...table.subarray(255 * 3)]);
  });

  test("opacity 0.5 is the mean of image and colour, and the image itself is not changed", () => {
    const top = overlayMap(image, grid(1, 2, [0, 1]), { opacity: 1 });
    const half = overlayMap(image, grid(1, 2, [0, 1]), { opacity: 0.5 });
    expect(pixel(half, 1, 0)).toEqual(pixel(top, 1, 0).map((value) => Math.round((100 + value) / 2)));
    expect(pixel(image, 1, 0)).toEqual([100, 100, 100]);
  });

  test("a given range clamps values beyond it", () => {
    const result = overlayMap(image, grid(1, 2, [-9, 0.5]), { opacity: 1, range: [0, 1], colourMap: "viridis" });
    expect(pixel(result, 0, 0)).toEqual([...colourTable("viridis").subarray(0, 3)]);
    expect(pixel(result, 1, 0)).toEqual([...colourTable("viridis").subarray(128 * 3, 129 * 3)]);
  });

  test("a constant map is drawn dark, not as NaN", () => {
    const result = overlayMap(image, grid(1, 1, [0.7]), { opacity: 1 });
    expect(pixel(result, 0, 0)).toEqual([...colourTable("inferno").subarray(0, 3)]);
  });

  test("image data that does not fit its size is a Shape error", () => {
    expect(() => overlayMap({ ...image, width: 3 }, grid(1, 1, [1]))).toThrow(
      expect.objectContaining({ code: "Shape" }),
    );
  });
});

test("outlineMask draws the mask's rim and nothing inside or outside", () => {
  const mask = grid(5, 5, [0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0]);
  const result = outlineMask(blankImage(5, 5, [0, 0, 0]), mask, { colour: [9, 8, 7] });
  const drawn = Array.from({ length: 25 }, (_, i) => Number(pixel(result, i % 5, Math.floor(i / 5))[0] === 9));
  expect(drawn).toEqual([0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 1, 0, 1, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0]);
});

test("outlineMask counts the image's border as outside", () => {
  const result = outlineMask(blankImage(3, 3, [0, 0, 0]), grid(3, 3, Array(9).fill(1)), { colour: [9, 8, 7] });
  expect(pixel(result, 1, 0)).toEqual([9, 8, 7]);
  expect(pixel(result, 1, 1)).toEqual([0, 0, 0]);
});

describe("maskingView", () => {
  const image = blankImage(4, 2, [200, 10, 10]);

  test("kept as is, masked grey, thrown dark with hatching", () => {
    const view = maskingView(blankImage(6, 2, [200, 10, 10]), [0, 1, -1], 2);
    expect(pixel(view, 1, 1)).toEqual([200, 10, 10]);
    expect(pixel(view, 2, 0)).toEqual([128, 128, 128]);
    expect(pixel(view, 4, 0)).toEqual([22, 22, 26]);
    expect(pixel(view, 5, 1)).toEqual([66, 66, 74]);
  });

  test("a mask of another grid is a Shape error", () => {
    expect(() => maskingView(image, [0, 0, 0], 2)).toThrow(/1 × 2 patches of 2 pixels, got 3 values/);
    expect(() => maskingView(image, [0, 0], 3)).toThrow(expect.objectContaining({ code: "Shape" }));
  });
});

describe("predictionToImage", () => {
  const background = blankImage(4, 2, [1, 2, 3]);
  const mean = [0.5, 0.25, 0];
  const std = [0.5, 0.25, 1];

  test("pixel order in a patch is row, column, channel; values are de-normalised, rounded and clamped", () => {
    const pred = [0, 0, 0, 1, 1, 1, -1, -1, -1, 9, -9, 0.5];
    const result = predictionToImage({ pred, patchIndices: [1], patchSize: 2, channels: 3, mean, std }, background);
    expect(pixel(result, 0, 0)).toEqual([1, 2, 3]);
    expect(pixel(result, 2, 0)).toEqual([128, 64, 0]);
    expect(pixel(result, 3, 0)).toEqual([255, 128, 255]);
    expect(pixel(result, 2, 1)).toEqual([0, 0, 0]);
    expect(pixel(result, 3, 1)).toEqual([255, 0, 128]);
    expect(pixel(background, 2, 0)).toEqual([1, 2, 3]);
  });

  test("normPixLoss: standardised targets with their statistics give the original pixels back", () => {
    const pixels = Uint8Array.from({ length: 24 }, (_, i) => (i * 37) % 256);
    const image: RgbImage = { width: 4, height: 2, data: pixels };
    const patches = [0, 1].flatMap((patch) =>
      [0, 1, 2, 3].flatMap((i) =>
        pixel(image, patch * 2 + (i % 2), Math.floor(i / 2)).map(
          (value, channel) => (value / 255 - (mean[channel] as number)) / (std[channel] as number),
        ),
      ),
    );
    const statistics = patchStatistics(patches, 12);
    const pred = patches.map((value, i) => {
      const patch = Math.floor(i / 12);
      return (value - (statistics.mean[patch] as number)) / (statistics.std[patch] as number);
    });
    const result = predictionToImage(
      { pred, patchSize: 2, channels: 3, mean, std, patchStatistics: statistics },
      background,
    );
    expect([...result.data]).toEqual([...pixels]);
  });

  test("one channel is shown as grey", () => {
    const result = predictionToImage(
      { pred: [0, 1, 0, 0], patchIndices: [0], patchSize: 2, channels: 1, mean: [0.5], std: [0.5] },
      background,
    );
    expect(pixel(result, 1, 0)).toEqual([255, 255, 255]);
    expect(pixel(result, 0, 0)).toEqual([128, 128, 128]);
  });

  test("too few values are a Shape error", () => {
    expect(() => predictionToImage({ pred: [1], patchSize: 2, channels: 3, mean, std }, background)).toThrow(
      expect.objectContaining({ code: "Shape" }),
    );
  });
});

describe("reconstructionPanel", () => {
  const original = blankImage(4, 2, [10, 10, 10]);
  const reconstruction = blankImage(4, 2, [99, 99, 99]);
  const input = { original, mask: [0, 1], patchSize: 2, reconstruction };

  test("original, masking, reconstruction and the visible patches pasted in, with gutters", () => {
    const panel = reconstructionPanel({ ...input, withVisible: true }, { gutter: 1, background: [5, 5, 5] });
    expect([panel.width, panel.height]).toEqual([19, 2]);
    const row = Array.from({ length: 19 }, (_, x) => pixel(panel, x, 0)[0]);
    expect(row).toEqual([10, 10, 10, 10, 5, 10, 10, 128, 128, 5, 99, 99, 99, 99, 5, 10, 10, 99, 99]);
  });

  test("a reconstruction of another size is a Shape error", () => {
    expect(() => reconstructionPanel({ ...input, reconstruction: blankImage(2, 2, [0, 0, 0]) })).toThrow(
      expect.objectContaining({ code: "Shape" }),
    );
  });
});

describe("contactSheet", () => {
  test("fills rows first and leaves the background in unused cells", () => {
    const images = [1, 2, 3].map((level) => greyToRgb([level], 1, 1));
    const sheet = contactSheet(images, { columns: 2, gutter: 1, background: [7, 7, 7] });
    expect([sheet.width, sheet.height]).toEqual([3, 3]);
    expect(Array.from({ length: 9 }, (_, i) => pixel(sheet, i % 3, Math.floor(i / 3))[0])).toEqual([
      1, 7, 2, 7, 7, 7, 3, 7, 7,
    ]);
  });

  test("no images is a named error", () => {
    expect(() => contactSheet([])).toThrow(expect.objectContaining({ code: "Shape" }));
  });
});

describe("enlarge", () => {
  test("repeats pixels along both axes", () => {
    const large = enlarge(greyToRgb([1, 2, 3, 4, 5, 6], 3, 2), 2);
    expect([large.width, large.height]).toEqual([6, 4]);
    expect(Array.from({ length: 24 }, (_, i) => pixel(large, i % 6, Math.floor(i / 6))[0])).toEqual([
      1, 1, 2, 2, 3, 3, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 4, 4, 5, 5, 6, 6,
    ]);
  });

  test("repeats cells of a grid the same way", () => {
    const large = enlargeGrid(grid(1, 2, [7, 8]), 2);
    expect([large.height, large.width, ...Array.from(large.data)]).toEqual([2, 4, 7, 7, 8, 8, 7, 7, 8, 8]);
  });
});
