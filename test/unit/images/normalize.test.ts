import { describe, expect, test } from "vitest";
import { imagenetNormalization, Normalizer } from "../../../src/images/transforms/normalize.ts";

describe("Normalizer", () => {
  test("turns interleaved pixels into planes", () => {
    const normalizer = new Normalizer(3, { mean: [0, 0.5, 1], std: [1, 0.5, 2] });
    const out = new Float32Array(6);
    normalizer.normalize(Uint8Array.of(0, 255, 255, 51, 0, 0), out);
    expect([...out]).toEqual([0, Math.fround(0.2), 1, -1, 0, -0.5]);
  });

  test.each([1, 3] as const)("keeps every pixel value apart by mean and deviation, %i channels", (channels) => {
    const { mean, std } = imagenetNormalization(channels);
    const normalizer = new Normalizer(channels, { mean, std });
    const pixels = Uint8Array.from({ length: 256 * channels }, (_, at) => Math.floor(at / channels));
    const planes = new Float32Array(pixels.length);
    normalizer.normalize(pixels, planes);
    planes.forEach((value, at) => {
      const channel = Math.floor(at / 256);
      expect(value * (std[channel] as number) + (mean[channel] as number)).toBeCloseTo((at % 256) / 255, 6);
    });
  });

  test("one mean serves all channels", () => {
    const out = new Float32Array(3);
    new Normalizer(3, { mean: [0.5], std: [0.5] }).normalize(Uint8Array.of(255, 0, 255), out);
    expect([...out]).toEqual([1, -1, 1]);
  });

  test.each([
    { mean: [0, 0], std: [1, 1] },
    { mean: [0, 0, 0], std: [1, 0, 1] },
    { mean: [Number.NaN], std: [1] },
  ])("rejects $mean / $std for three channels", (values) => {
    expect(() => new Normalizer(3, values)).toThrow(expect.objectContaining({ code: "Config" }));
  });

  test("rejects an output of another length", () => {
    expect(() => new Normalizer(1).normalize(new Uint8Array(4), new Float32Array(5))).toThrow(
      expect.objectContaining({ code: "Shape" }),
    );
  });
});
