import { expect, test } from "vitest";
import { cubicTaps } from "../../../src/interop/cubic-taps.ts";

const ROW = [0, 1, 4, 2, 7, 3];

const resized = (to: number, antialias: boolean) =>
  cubicTaps(ROW.length, to, { antialias }).map((taps) =>
    taps.reduce((sum, [position, weight]) => sum + (ROW[position] as number) * weight, 0),
  );

// By torch 2.15: interpolate(mode="bicubic", antialias=True).
test.each([
  [4, [0.21520982682704926, 2.7381317615509033, 4.038285255432129, 4.605177879333496]],
  [
    9,
    [-0.06578931957483292, 0.29411768913269043, 1.4421300888061523, 3.7662038803100586, 2.875].concat([
      2.5324079990386963, 6.606482028961182, 5.176470756530762, 2.7368416786193848,
    ]),
  ],
] as const)("six positions as %i with antialias are torch's", (to, expected) => {
  resized(to, true).forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i] as number, 5);
  });
});

test("weights sum to 1; without antialias four positions count, clamped to the edge", () => {
  for (const antialias of [false, true]) {
    for (const taps of cubicTaps(7, 3, { antialias })) {
      expect(taps.reduce((sum, [, weight]) => sum + weight, 0)).toBeCloseTo(1, 12);
      if (!antialias) expect(taps).toHaveLength(4);
    }
  }
  expect(cubicTaps(2, 4)[0]?.map(([position]) => position)).toEqual([0, 0, 0, 1]);
});
