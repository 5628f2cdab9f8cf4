import { describe, expect, test } from "vitest";
import { type Grid, pointingGame } from "../../../src/results/visual/index.ts";

const grid = (height: number, width: number, data: number[]): Grid => ({ height, width, data });
/** A 4×4 mask of 0 and 1 written as rows. */
const mask = (...rows: string[]): Grid => grid(rows.length, rows[0]?.length ?? 0, [...rows.join("")].map(Number));

const topRight = grid(2, 2, [0.2, 1, 0.1, 0.3]);

describe("pointingGame", () => {
  test("a peak inside the lesion is a hit, one outside a miss; chance is the mean lesion area", () => {
    const result = pointingGame(
      [topRight, topRight],
      [mask("0001", "0000", "0000", "0000"), mask("0000", "0000", "0000", "1110")],
    );
    expect(result).toMatchObject({ n: 2, withoutLesion: 0, hits: 1, hitRate: 0.5, scores: [1, 0] });
    expect(result.chance).toBe((1 / 16 + 3 / 16) / 2);
  });

  test("the peak is a pixel of the upsampled map, not the whole cell", () => {
    // The cell's quarter is the 2×2 corner; enlarging puts its peak into the corner pixel alone.
    const { scores } = pointingGame([topRight], [mask("0010", "0011", "0000", "0000")]);
    expect(scores).toEqual([0]);
  });

  test("tied peaks score their share that hits: a constant map scores exactly chance", () => {
    const lesion = mask("0000", "0110", "0100", "0000");
    const result = pointingGame([grid(3, 2, Array(6).fill(0.1))], [lesion]);
    expect(result.scores).toEqual([3 / 16]);
    expect(result.hitRate).toBe(result.chance);
  });

  test("images without a lesion are left out of hits and chance", () => {
    const result = pointingGame([topRight, topRight], [mask("0000", "0000"), mask("0001", "0000")]);
    expect(result).toMatchObject({ n: 1, withoutLesion: 1, scores: [null, 1], chance: 1 / 8 });
  });

  test("tolerance counts near misses and raises chance by the same rule", () => {
    const lesion = mask("0100", "0000", "0000", "0000");
    expect(pointingGame([topRight], [lesion], { tolerance: 1 }).hits).toBe(0);
    const two = pointingGame([topRight], [lesion], { tolerance: 2 });
    // Within 2 pixels of (0,1): 4 in the first row, 3 in the second, 1 in the third.
    expect([two.hits, two.chance]).toEqual([1, 8 / 16]);
  });

  test("nothing to count gives null, not NaN", () => {
    expect(pointingGame([], [])).toMatchObject({ n: 0, hitRate: null, chance: null, interval: null });
  });

  test("maps and masks of different numbers are a Shape error", () => {
    expect(() => pointingGame([topRight], [])).toThrow(expect.objectContaining({ code: "Shape" }));
  });
});
