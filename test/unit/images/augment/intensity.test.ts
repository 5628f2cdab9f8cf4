import { describe, expect, test } from "vitest";
import { eraseRectangles } from "../../../../src/images/augment/erasing.ts";
import {
  addNoise,
  changeIntensity,
  correctGamma,
  scaleValues,
  stretchValues,
} from "../../../../src/images/augment/intensity.ts";
import { normalNoise } from "../../../../src/images/augment/noise.ts";
import { RandomStream } from "../../../../src/support/random.ts";
import { digest, picture } from "./pictures.ts";

const stream = (key: number) => RandomStream.for(5, "augment", key);

function moments(values: ArrayLike<number>) {
  const list = Array.from(values);
  const mean = list.reduce((a, b) => a + b, 0) / list.length;
  const deviation = Math.sqrt(list.reduce((sum, value) => sum + (value - mean) ** 2, 0) / list.length);
  return { mean, deviation };
}

describe("normalNoise", () => {
  test("is standard normal, value by value independent, and counts exactly", () => {
    const values: number[] = [];
    normalNoise(stream(0), 100_001, (value, at) => {
      values[at] = value;
    });
    expect(values).toHaveLength(100_001);
    const { mean, deviation } = moments(values);
    // Standard errors 0.003 and 0.002.
    expect(Math.abs(mean)).toBeLessThan(0.013);
    expect(Math.abs(deviation - 1)).toBeLessThan(0.01);
    const within = (bound: number) => values.filter((value) => Math.abs(value) < bound).length / values.length;
    expect(Math.abs(within(1) - 0.6827)).toBeLessThan(0.006);
    expect(Math.abs(within(2) - 0.9545)).toBeLessThan(0.003);
    expect(Math.abs(within(3) - 0.9973)).toBeLessThan(0.001);
    const lagged = (lag: number) => moments(values.slice(lag).map((value, at) => value * (values[at] as number))).mean;
    for (const lag of [1, 2, 3]) expect(Math.abs(lagged(lag))).toBeLessThan(0.014);
  });
});

describe("intensity changes", () => {
  test("noise has the deviation of each channel", () => {
    const canvas = picture("smooth", 100, 100, 3);
    canvas.pixels.fill(128);
    addNoise(canvas, [4, 10, 0], stream(1));
    const channel = (k: number) => moments(canvas.pixels.filter((_, at) => at % 3 === k));
    expect(Math.abs(channel(0).deviation - 4)).toBeLessThan(0.15);
    expect(Math.abs(channel(1).deviation - 10)).toBeLessThan(0.35);
    expect(channel(2)).toEqual({ mean: 128, deviation: 0 });
    expect(Math.abs(channel(1).mean - 128)).toBeLessThan(0.5);
  });

  test("brightness multiplies from black and clips", () => {
    const canvas = picture("smooth", 1, 4, 1);
    canvas.pixels.set([0, 10, 100, 250]);
    scaleValues(canvas, 1.25);
    expect([...canvas.pixels]).toEqual([0, 13, 125, 255]);
  });

  test("contrast turns about the mean and stays within the image's range", () => {
    const canvas = picture("smooth", 1, 4, 1);
    canvas.pixels.set([40, 80, 120, 160]);
    stretchValues(canvas, 0.5);
    expect([...canvas.pixels]).toEqual([70, 90, 110, 130]);
    canvas.pixels.set([40, 80, 120, 160]);
    stretchValues(canvas, 1.2);
    expect([...canvas.pixels]).toEqual([40, 76, 124, 160]);
  });

  test.each([false, true])("gamma keeps mean and deviation and bends the curve, inverted %s", (inverted) => {
    const canvas = picture("smooth", 60, 60, 1);
    const before = { ...moments(canvas.pixels), third: thirdMoment(canvas.pixels) };
    correctGamma(canvas, 1.5, inverted);
    const after = moments(canvas.pixels);
    expect(Math.abs(after.mean - before.mean)).toBeLessThan(0.6);
    expect(Math.abs(after.deviation - before.deviation)).toBeLessThan(0.6);
    // A power above 1 gathers dark values: the rest leans towards bright ones; inverted it is the other way round.
    const bent = thirdMoment(canvas.pixels) - before.third;
    expect(inverted ? -bent : bent).toBeGreaterThan(0.1);
  });

  test("a flat image stays flat", () => {
    const canvas = picture("smooth", 10, 10, 3);
    canvas.pixels.fill(77);
    correctGamma(canvas, 0.7, false);
    stretchValues(canvas, 1.2);
    expect(new Set(canvas.pixels)).toEqual(new Set([77]));
  });

  test("happen as often as nnU-Net's, and not at strength 0", () => {
    const original = picture("noise", 24, 24, 3);
    const before = digest(original);
    const canvas = picture("noise", 24, 24, 3);
    const changed = (strength: number) =>
      Array.from({ length: 600 }, (_, key) => {
        canvas.pixels.set(original.pixels);
        changeIntensity(canvas, strength, { std: [58, 57, 57] }, stream(key));
        return digest(canvas) !== before;
      }).filter(Boolean).length / 600;
    // 1 − 0.9·0.8·0.85·0.85·0.9·0.7, less the few too weak to show; standard error 0.02.
    expect(Math.abs(changed(1) - 0.672)).toBeLessThan(0.09);
    expect(changed(0)).toBe(0);
  });
});

function thirdMoment(values: ArrayLike<number>): number {
  const { mean, deviation } = moments(values);
  return moments(Array.from(values, (value) => ((value - mean) / deviation) ** 3)).mean;
}

describe("eraseRectangles", () => {
  const statistics = { mean: [124, 116, 104], std: [58, 57, 57] };
  const plan = { probability: 1, mode: "const", count: 1 } as const;

  /** The smallest box around what is no longer white. */
  function erased(key: number, options: Partial<Parameters<typeof eraseRectangles>[1]>) {
    const side = 60;
    const canvas = { height: side, width: side, channels: 3 as const, pixels: new Uint8Array(3 * side * side) };
    canvas.pixels.fill(255);
    eraseRectangles(canvas, { ...plan, ...options }, statistics, stream(key));
    const places = [...Array(side * side).keys()].filter((at) => {
      return [0, 1, 2].some((k) => canvas.pixels[3 * at + k] !== 255);
    });
    const rows = places.map((at) => Math.floor(at / side));
    const columns = places.map((at) => at % side);
    const extent = (list: number[]) => Math.max(...list) - Math.min(...list) + 1;
    return { canvas, area: places.length, places, height: extent(rows), width: extent(columns) };
  }

  test("erases one rectangle of 2 to 33 % of the area and of aspect 0.3 to 3.3, with the mean", () => {
    const all = Array.from({ length: 300 }, (_, key) => erased(key, {}));
    for (const { area, height, width, canvas, places } of all) {
      expect(area).toBe(height * width);
      expect(canvas.pixels.slice(3 * (places[0] as number), 3 * (places[0] as number) + 3)).toEqual(
        Uint8Array.of(124, 116, 104),
      );
    }
    const shares = all.map(({ area }) => area / 3600);
    expect(Math.min(...shares)).toBeGreaterThan(0.015);
    expect(Math.min(...shares)).toBeLessThan(0.03);
    expect(Math.max(...shares)).toBeGreaterThan(0.29);
    expect(Math.max(...shares)).toBeLessThan(0.36);
    const aspects = all.map(({ height, width }) => Math.log(height / width));
    expect(Math.max(...aspects)).toBeGreaterThan(1);
    expect(Math.min(...aspects)).toBeLessThan(-1);
    expect(Math.max(...aspects.map(Math.abs))).toBeLessThan(Math.log(1 / 0.3) + 0.2);
  });

  test("shows one colour per rectangle, or random pixels, around the mean", () => {
    const colors = Array.from({ length: 200 }, (_, key) => {
      const { canvas, places, area } = erased(key, { mode: "rand" });
      const values = new Set(places.map((at) => canvas.pixels.slice(3 * at, 3 * at + 3).join()));
      expect(area === 0 || values.size === 1).toBe(true);
      return canvas.pixels[3 * (places[0] ?? 0)] as number;
    });
    const { mean, deviation } = moments(colors.filter((value) => value !== 255));
    expect(Math.abs(mean - 124)).toBeLessThan(16);
    expect(Math.abs(deviation - 57)).toBeLessThan(12);
    const { canvas, places } = erased(3, { mode: "pixel" });
    const green = moments(places.map((at) => canvas.pixels[3 * at + 1] as number));
    expect(Math.abs(green.mean - 116)).toBeLessThan(12);
    expect(Math.abs(green.deviation - 56)).toBeLessThan(9);
  });

  test("several rectangles share the area, and the probability is kept", () => {
    const areas = Array.from({ length: 200 }, (_, key) => erased(key, { count: 4 }).area / 3600);
    expect(Math.max(...areas)).toBeLessThan(0.36);
    const untouched = Array.from({ length: 300 }, (_, key) => erased(key, { probability: 0.25 }).area === 0);
    expect(Math.abs(untouched.filter(Boolean).length / 300 - 0.75)).toBeLessThan(0.1);
  });
});
