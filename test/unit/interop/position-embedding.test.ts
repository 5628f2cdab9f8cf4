import { describe, expect, test } from "vitest";
import { interpolatePositionEmbedding } from "../../../src/interop/position-embedding.ts";

describe("interpolatePositionEmbedding", () => {
  const grid = Float64Array.from({ length: 15 }, (_, i) => (i + 1) ** 2 / 10);

  test("3×5 to 4×2 equals torch's bicubic (PyTorch 2.15, float64)", () => {
    const expected = [
      -0.01986885070800782, 1.3873493194580078, 1.938108444213868, 4.947926712036132, 8.208864212036133,
      13.724045944213866, 14.273286819458008, 21.39106864929199,
    ];
    const got = interpolatePositionEmbedding(grid, 1, [3, 5], [4, 2], { prefix: 0 });
    expect(got).toHaveLength(8);
    for (const [index, value] of expected.entries()) expect(got[index]).toBeCloseTo(value, 13);
  });

  test("the cls row stays, channels are independent, the same grid gives the same values", () => {
    const embedding = new Float64Array(2 + 30);
    embedding.set([7, 8]);
    for (const [index, value] of grid.entries()) embedding.set([value, -2 * value], 2 + 2 * index);
    const same = interpolatePositionEmbedding(embedding, 2, [3, 5], [3, 5]);
    for (const [index, value] of embedding.entries()) expect(same[index]).toBeCloseTo(value, 13);
    const other = interpolatePositionEmbedding(embedding, 2, [3, 5], [2, 7]);
    expect([...other.subarray(0, 2)]).toEqual([7, 8]);
    for (let at = 2; at < other.length; at += 2) expect(other[at + 1]).toBeCloseTo(-2 * (other[at] as number), 12);
  });

  test("refuses a grid that the values do not fill", () => {
    expect(() => interpolatePositionEmbedding(grid, 1, [4, 4], [2, 2])).toThrow(/17 values for a grid of 4×4.*got 15/);
  });
});
