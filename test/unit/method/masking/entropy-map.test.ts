import { expect, test } from "vitest";
import { entropyMap } from "../../../../src/method/masking/entropy-map.ts";

const size = { inputHeight: 4, inputWidth: 8, patchSize: 4, numClasses: 2 };

test("a flat patch has no entropy, and one whose grey values are all in bins of their own the most", () => {
  const pixels = new Uint8Array(32);
  // The patch on the right: 16 values, 16 apart, of which no two share one of 32 bins.
  for (let i = 0; i < 16; i++) pixels[Math.floor(i / 4) * 8 + 4 + (i % 4)] = 16 * i;
  expect([...entropyMap(pixels, { ...size, inChans: 1 })]).toEqual([0, 1]);
});

test("Rényi's entropy of order 2 of known shares, of the mean over channels", () => {
  const pixels = new Uint8Array(96);
  // Left: a quarter of the pixels at another mean, by one channel alone. Right: as dark as that mean but in other channels.
  for (const pixel of [0, 1, 2, 3]) pixels[pixel * 3 + 2] = 240;
  for (let pixel = 4; pixel < 8; pixel++) pixels.fill(80, pixel * 3, pixel * 3 + 3);
  const expected = Math.log(1 / (0.25 ** 2 + 0.75 ** 2)) / Math.log(16);
  const map = entropyMap(pixels, { ...size, inChans: 3 });
  expect(map[0]).toBeCloseTo(expected, 6);
  expect(map[1]).toBeCloseTo(expected, 6);
});
