import { describe, expect, test } from "vitest";
import type { FileWindow, NumericArray, SourceImage } from "../../../src/formats/source-image.ts";
import { percentileOf, sortedSample } from "../../../src/formats/statistics.ts";
import { applyWindow, parseWindow, resolveWindow } from "../../../src/images/window.ts";

function grey(values: NumericArray, more: Partial<SourceImage> = {}): SourceImage {
  const rest = { channels: 1, windows: [], inverted: false, levels: undefined } as const;
  return { width: values.length, height: 1, values, ...rest, ...more };
}
const shown = (source: SourceImage, rule: string) => [...applyWindow(source, parseWindow(rule)).pixels];
const lung: FileWindow = { kind: "window", name: "LUNG", center: -600, width: 1600, shape: "LINEAR" };
const bone: FileWindow = { kind: "window", name: "Bone", center: 500, width: 1000, shape: "LINEAR_EXACT" };

describe("parseWindow", () => {
  test.each([
    ["auto", { kind: "auto" }],
    [" Full ", { kind: "full" }],
    ["first", { kind: "first" }],
    ["name:LUNG", { kind: "name", name: "LUNG" }],
    ["name: first", { kind: "name", name: "first" }],
    ["Soft Tissue 1", { kind: "name", name: "Soft Tissue 1" }],
    ["40,400", { kind: "window", center: 40, width: 400 }],
    ["-600, 1.5e3", { kind: "window", center: -600, width: 1500 }],
    ["percentile", { kind: "percentile", low: 0.5, high: 99.5 }],
    ["percentile:1,99", { kind: "percentile", low: 1, high: 99 }],
    ["range:-1000,400", { kind: "range", low: -1000, high: 400 }],
  ])("%s", (text, rule) => {
    expect(parseWindow(text)).toEqual(rule);
  });

  test.each(["", "40", "40,0", "40,-1", "1,2,3", "40,x", "NaN,1", "range", "range:1", "range:5,5", "percentile:99,1"])(
    "%j is a Config error",
    (text) => {
      expect(() => parseWindow(text)).toThrow(expect.objectContaining({ code: "Config" }));
    },
  );

  test.each(["percentile:-1,50", "percentile:1,101", "name:", "other:1,2", "first:2"])(
    "%j is a Config error",
    (text) => {
      expect(() => parseWindow(text)).toThrow(expect.objectContaining({ code: "Config" }));
    },
  );
});

describe("applyWindow", () => {
  // Source: DICOM PS3.3 C.11.2.1.2.1: c=10, w=0 and c=2048, w=4096 examples follow from y = (x−(c−0.5))/(w−1)+0.5.
  test("LINEAR is the formula of the standard at its ends and in between", () => {
    const source = grey(Int16Array.of(-1, 0, 1, 2048, 4094, 4095, 4096), {
      windows: [{ kind: "window", name: "", center: 2048, width: 4096, shape: "LINEAR" }],
    });
    const level = (x: number) => (x - 2047.5) / 4095 + 0.5;
    expect(shown(source, "first")).toEqual(
      [0, 0, 1, 2048, 4094, 4095, 4096].map((x) => clamp(255 * level(x))).with(1, 0),
    );
  });

  test("LINEAR of width 1 is a threshold half a step below the centre", () => {
    const window: FileWindow = { kind: "window", name: "", center: 10, width: 1, shape: "LINEAR" };
    expect(shown(grey(Float32Array.of(9, 9.5, 9.6, 10), { windows: [window] }), "first")).toEqual([0, 0, 255, 255]);
  });

  test("LINEAR_EXACT and SIGMOID are the formulas of the standard", () => {
    const values = Float32Array.of(-10, 0, 250, 500, 1000, 1100);
    expect(shown(grey(values, { windows: [bone] }), "first")).toEqual([0, 0, 64, 128, 255, 255]);
    const sigmoid: FileWindow = { ...bone, shape: "SIGMOID" };
    expect(shown(grey(values, { windows: [sigmoid] }), "first")).toEqual(
      Array.from(values, (x) => Math.round(255 / (1 + Math.exp((-4 * (x - 500)) / 1000)))),
    );
  });

  test("a table gives its entries, and its ends to values beyond them", () => {
    const levels = Float32Array.of(1, 0.5, 0.25, 0);
    const table: FileWindow = { kind: "lut", name: "", first: -2, levels };
    expect(shown(grey(Int16Array.of(-9, -2, -1, 0, 1, 9), { windows: [table] }), "auto")).toEqual([
      255, 255, 128, 64, 0, 0,
    ]);
  });

  test("auto takes the file's first window, else the range of levels, else percentiles of the volume or picture", () => {
    const values = Int16Array.of(-1000, 0, 1000);
    const from = (more: Partial<SourceImage>) => resolveWindow(grey(values, more), { kind: "auto" }).from;
    expect(from({ windows: [lung, bone], levels: [0, 255] })).toBe("the file's window 1 of 2 (LUNG)");
    expect(from({ levels: [0, 255] })).toBe("the range of the samples' type");
    expect(from({ volumeSample: Float64Array.of(0, 5) })).toBe("percentiles 0.5 and 99.5 of the volume");
    expect(from({})).toBe("percentiles 0.5 and 99.5 of the picture");
  });

  test("windows are found by name in any case; a missing one is a Data error that names those there are", () => {
    const source = grey(Int16Array.of(0, 500, 1000), { windows: [lung, bone] });
    expect(shown(source, "bone")).toEqual([0, 128, 255]);
    const missing = expect.objectContaining({
      code: "Data",
      message: expect.stringMatching(/x\.dcm.*brain.*LUNG, Bone/),
    });
    expect(() => applyWindow(source, parseWindow("brain"), "x.dcm")).toThrow(missing);
    expect(() => applyWindow(grey(Int16Array.of(1)), parseWindow("first"))).toThrow(
      expect.objectContaining({ code: "Data" }),
    );
  });

  test("a window asked for has the meaning of the file's own, else DICOM's for whole numbers and the exact one for fractions", () => {
    const shape = (values: NumericArray, windows: FileWindow[] = []) => {
      const { window } = resolveWindow(grey(values, { windows }), parseWindow("0.5,10"));
      return window.kind === "window" ? window.shape : window.kind;
    };
    expect(shape(Int16Array.of(1))).toBe("LINEAR");
    expect(shape(Float32Array.of(1))).toBe("LINEAR_EXACT");
    expect(shape(Int16Array.of(1), [bone])).toBe("LINEAR_EXACT");
    expect(shown(grey(Float32Array.of(0, 0.25, 0.5, 1)), "0.5,1")).toEqual([0, 64, 128, 255]);
    expect(shown(grey(Int16Array.of(0, 1)), "0.5,0.5")).toEqual([0, 255]);
  });

  test("range and full map their ends to black and white", () => {
    const values = Float64Array.of(-4, -2, 0, 2, 4);
    expect(shown(grey(values), "range:-2,2")).toEqual([0, 0, 128, 255, 255]);
    expect(shown(grey(values), "full")).toEqual([0, 64, 128, 191, 255]);
    expect(shown(grey(values, { volumeSample: Float64Array.of(-4, 12) }), "full")).toEqual([0, 32, 64, 96, 128]);
    expect(shown(grey(Uint16Array.of(0, 257, 65_535), { levels: [0, 65_535] }), "full")).toEqual([0, 1, 255]);
  });

  test("percentiles are NumPy's and share the volume's where it is known", () => {
    const values = Float32Array.from({ length: 101 }, (_, i) => i * i);
    const { window } = resolveWindow(grey(values), parseWindow("percentile:10.5,90"));
    expect(window).toMatchObject({ kind: "range", low: 110.5, high: 8100 });
    const shared = resolveWindow(
      grey(values, { volumeSample: Float64Array.of(0, 10, 20) }),
      parseWindow("percentile:0,75"),
    );
    expect(shared.window).toMatchObject({ low: 0, high: 15 });
  });

  test("a sparse mask shows what differs from its background", () => {
    const values = new Float32Array(10_000);
    values[77] = 3;
    const pixels = shown(grey(values), "auto");
    expect([pixels[0], pixels[77]]).toEqual([0, 255]);
  });

  test("no finite number is black and left out of percentiles, also where small values are white", () => {
    const values = Float32Array.of(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 10);
    expect(shown(grey(values), "full")).toEqual([0, 0, 0, 0, 255]);
    expect(shown(grey(values, { inverted: true }), "full")).toEqual([0, 0, 0, 255, 0]);
    const none = grey(Float32Array.of(Number.NaN, Number.NaN));
    const error = expect.objectContaining({ code: "Data", message: expect.stringContaining("no measured value") });
    expect(() => applyWindow(none, parseWindow("percentile"), "x.nii")).toThrow(error);
    expect(() => applyWindow(none, parseWindow("full"))).toThrow(error);
    expect(shown(none, "5,10")).toEqual([0, 0]);
  });

  test("a picture of one value is black, unless a window gives that value a level", () => {
    const flat = grey(Float32Array.of(7, 7));
    expect(shown(flat, "auto")).toEqual([0, 0]);
    expect(shown(flat, "full")).toEqual([0, 0]);
    expect(shown(flat, "range:0,14")).toEqual([128, 128]);
  });

  test("MONOCHROME1 is inverted after the window", () => {
    const source = grey(Uint8Array.of(0, 55, 255), { inverted: true, levels: [0, 255] });
    expect(shown(source, "auto")).toEqual([255, 200, 0]);
  });

  test("8-bit pictures are neither copied nor changed by auto and full", () => {
    const values = Uint8Array.of(0, 100, 255);
    for (const rule of ["auto", "full"]) {
      expect(applyWindow(grey(values, { levels: [0, 255] }), parseWindow(rule)).pixels).toBe(values);
    }
    expect(shown(grey(values, { levels: [0, 255] }), "range:100,200")).toEqual([0, 0, 255]);
  });

  test.each(["40,400", "percentile", "range:0,10", "LUNG", "first"])("colours are left as they are by %s", (rule) => {
    const values = Uint8Array.of(0, 100, 255);
    const source: SourceImage = { ...grey(values), width: 1, channels: 3, levels: [0, 255] };
    expect(applyWindow(source, parseWindow(rule)).pixels).toBe(values);
  });

  test.each([Uint16Array, Int16Array, Int8Array])("large pictures of %o give what small ones give", (Samples) => {
    const length = 20_000;
    const values = new Samples(Array.from({ length }, (_, i) => i * 37));
    const rule = parseWindow("range:-100,900");
    const pieces = [0, 1].flatMap((half) => [
      ...applyWindow(grey(values.subarray((half * length) / 2, ((half + 1) * length) / 2)), rule).pixels,
    ]);
    expect([...applyWindow(grey(values), rule).pixels]).toEqual(pieces);
  });
});

test("a sample of many values is sorted, even, and holds the smallest and the largest", () => {
  const values = Float32Array.from({ length: 10_000 }, (_, i) => (i * 7919) % 10_000);
  values[1] = -5;
  values[2] = Number.NaN;
  values[3] = 99_999;
  const sample = sortedSample(values, 100);
  expect(sample).toHaveLength(102);
  expect([sample[0], sample.at(-1)]).toEqual([-5, 99_999]);
  expect(Math.abs(percentileOf(sample, 50) - 5000)).toBeLessThan(500);
  expect([...sample].every((value, i) => i === 0 || value >= (sample[i - 1] as number))).toBe(true);
});

function clamp(value: number): number {
  return Math.round(Math.min(255, Math.max(0, value)));
}
