import { expect, test } from "vitest";
import { halfBits, halfValue } from "../../../src/support/half.ts";

test("every binary16 that is a number comes back as its own bits", () => {
  const wrong = Array.from({ length: 0x10000 }, (_, bits) => bits).filter((bits) => {
    const value = halfValue(bits);
    return !Number.isNaN(value) && halfBits(value) !== bits;
  });
  expect(wrong).toEqual([]);
});

test.each([
  ["between two, the nearer", 1 + 0.4 / 1024, 0x3c00],
  ["in the middle, the even one below", 1 + 0.5 / 1024, 0x3c00],
  ["in the middle, the even one above", 1 + 1.5 / 1024, 0x3c02],
  ["carried into the exponent", 2 - 0.25 / 1024, 0x4000],
  ["the smallest there is", 2 ** -24, 1],
  ["half of that", 2 ** -25, 0],
  ["carried out of the subnormal", 2 ** -14 - 2 ** -26, 0x0400],
  ["the last that is finite", 65_519, 0x7bff],
  ["the first that is not", 65_520, 0x7c00],
  ["negative", -1.5, 0xbe00],
  ["no number", Number.NaN, 0x7e00],
])("%s: %d", (_, value, bits) => {
  expect(halfBits(Math.fround(value))).toBe(bits);
});
