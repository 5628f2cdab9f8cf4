import { describe, expect, test } from "vitest";
import { DEFAULT_LIMITS, type DecodeLimits } from "../../../../src/formats/limits.ts";
import { openDicom } from "../../../../src/formats/node/dicom.ts";
import { type BuiltElement, buildDicom, greyImage } from "./dicom-builder.ts";

const open = (elements: BuiltElement[], limits: DecodeLimits = DEFAULT_LIMITS) =>
  openDicom(buildDicom(elements), "built", limits);
const picture = async (elements: BuiltElement[], frame = 0) => (await open(elements)).read(frame, "axial");
const pixels = (...bytes: number[]): BuiltElement => [0x7fe00010, "OB", Uint8Array.from(bytes)];
const text = (tag: number, value: string): BuiltElement => [tag, "DS", value];
const rescale = (slope: string, intercept: string): BuiltElement[] => [
  text(0x00281052, intercept),
  text(0x00281053, slope),
];
const keyed = (...elements: BuiltElement[]) => Object.fromEntries(elements.map((element) => [element[0], element]));

describe("grey values", () => {
  test("slope and intercept by whole numbers and by fractions", async () => {
    const whole = await picture(greyImage(1, 2, pixels(1, 200), keyed(...rescale("2", "-1024"))));
    expect(whole.values).toEqual(Int32Array.of(-1022, -624));
    const fraction = await picture(greyImage(1, 2, pixels(1, 200), keyed(...rescale("0.5", "0.25"))));
    expect(fraction.values).toEqual(Float32Array.of(0.75, 100.25));
  });

  test("a decimal comma is one; a slope or intercept that is no number is named, never passed over", async () => {
    const commas = await picture(greyImage(1, 2, pixels(1, 200), keyed(...rescale("0,5", "-1024,25"))));
    expect(commas.values).toEqual(Float32Array.of(-1023.75, -924.25));
    const broken = picture(greyImage(1, 2, pixels(1, 200), keyed(...rescale("1", "unknown"))));
    await expect(broken).rejects.toMatchObject({ code: "Data", message: /RescaleIntercept of "unknown"/ });
  });

  test("a modality table takes the place of slope and intercept, and its ends hold beyond it", async () => {
    const lut: BuiltElement = [
      0x00283000,
      "SQ",
      [
        [
          [0x00283002, "US", [3, 10, 16]],
          [0x00283006, "OW", [1000, 2000, 3000]],
        ],
      ],
    ];
    const image = await picture(greyImage(1, 4, pixels(0, 10, 11, 255), keyed(lut, ...rescale("2", "0"))));
    expect([...image.values]).toEqual([1000, 1000, 2000, 3000]);
    expect(image.levels).toBeUndefined();
  });

  test("frames have their own slope and window; the shared one serves the rest", async () => {
    const transformation = (slope: string): BuiltElement => [0x00289145, "SQ", [rescale(slope, "0")]];
    const voi = (center: string): BuiltElement => [
      0x00289132,
      "SQ",
      [[text(0x00281050, center), text(0x00281051, "10"), [0x00281055, "LO", "BONE"]]],
    ];
    const image = greyImage(
      1,
      1,
      pixels(3, 3),
      keyed(
        [0x00280008, "IS", "2"],
        [0x52009229, "SQ", [[voi("7"), transformation("2")]]],
        [0x52009230, "SQ", [[transformation("5")], [voi("9")]]],
      ),
    );
    const [first, second] = [await picture(image, 0), await picture(image, 1)];
    expect([[...first.values], [...second.values]]).toEqual([[15], [6]]);
    expect(first.windows).toEqual([{ kind: "window", name: "BONE", center: 7, width: 10, shape: "LINEAR" }]);
    expect(second.windows).toMatchObject([{ center: 9 }]);
    await expect(picture(image, 2)).rejects.toThrow("expected a frame from 0 to 1, got 2");
  });

  test("a slope of 0 is none, and a linear window narrower than 1 an exact one", async () => {
    const image = greyImage(
      1,
      2,
      pixels(3, 200),
      keyed(...rescale("0", "5"), text(0x00281050, "0.5"), text(0x00281051, "0.8")),
    );
    const { values, windows } = await picture(image);
    expect([...values]).toEqual([3, 200]);
    expect(windows).toMatchObject([{ center: 0.5, width: 0.8, shape: "LINEAR_EXACT" }]);
  });

  test("all windows by name, with the file's function; those without a width are left out", async () => {
    const image = greyImage(
      1,
      2,
      pixels(1, 2),
      keyed(
        text(0x00281050, "40\\-600\\1"),
        text(0x00281051, "400\\1500\\0"),
        [0x00281055, "LO", "SOFT\\LUNG\\NONE"],
        [0x00281056, "CS", "SIGMOID"],
      ),
    );
    expect((await picture(image)).windows).toEqual([
      { kind: "window", name: "SOFT", center: 40, width: 400, shape: "SIGMOID" },
      { kind: "window", name: "LUNG", center: -600, width: 1500, shape: "SIGMOID" },
    ]);
  });

  test("a VOI table stands before windows, scaled to [0, 1]; 8-bit entries may fill bytes", async () => {
    const table: BuiltElement = [
      0x00283010,
      "SQ",
      [
        [
          [0x00283002, "US", [2, 5, 8]],
          [0x00283003, "LO", "CONTRAST"],
          [0x00283006, "OW", Uint8Array.of(51, 255)],
        ],
      ],
    ];
    const window = keyed(table, text(0x00281050, "4"), text(0x00281051, "8"));
    const { windows } = await picture(greyImage(1, 2, pixels(1, 2), window));
    expect(windows[0]).toEqual({ kind: "lut", name: "CONTRAST", first: 5, levels: Float32Array.of(0.2, 1) });
    expect(windows[1]).toMatchObject({ center: 4, width: 8 });
  });

  test.each([
    ["16 bits declared, 12 used", 16, [0, 4095], [0, 1]],
    ["8 bits declared, 12 used", 8, [819, 4095], [0.2, 1]],
    ["12 bits declared, 10 used: a dim table may be meant", 12, [0, 1023], [0, 1023 / 4095]],
  ])("levels of a VOI table: %s", async (_, bits, entries, levels) => {
    const table: BuiltElement = [
      0x00283010,
      "SQ",
      [
        [
          [0x00283002, "US", [2, 0, bits]],
          [0x00283006, "OW", entries],
        ],
      ],
    ];
    const { windows } = await picture(greyImage(1, 2, pixels(0, 1), keyed(table)));
    expect(windows[0]).toMatchObject({ kind: "lut", levels: Float32Array.from(levels) });
  });

  test("MONOCHROME1 is inverted; up to 8 plain bits are levels, anything else is a measurement", async () => {
    const inverted = await picture(greyImage(1, 1, pixels(1, 0), keyed([0x00280004, "CS", "MONOCHROME1"])));
    expect(inverted).toMatchObject({ inverted: true, levels: [0, 255] });
    const seven = await picture(greyImage(1, 1, pixels(1, 0), keyed([0x00280101, "US", 7], [0x00280102, "US", 6])));
    expect(seven).toMatchObject({ inverted: false, levels: [0, 127] });
    expect((await picture(greyImage(1, 1, pixels(1, 0), keyed(...rescale("2", "0"))))).levels).toBeUndefined();
  });
});

describe("palettes", () => {
  const palette = (bits: number, tags: number, data: [number[], number[], number[]], count: number) => [
    ...[0, 1, 2].map((at): BuiltElement => [0x00281101 + at, "US", [count, 4, bits]]),
    ...[0, 1, 2].map((at): BuiltElement => [tags + at, "OW", data[at] as number[]]),
  ];
  const image = (...elements: BuiltElement[]) =>
    greyImage(1, 4, pixels(0, 4, 5, 9), keyed([0x00280004, "CS", "PALETTE COLOR"], ...elements));

  test("16-bit entries; indices beyond the ends take the last entry", async () => {
    const colors = palette(
      16,
      0x00281201,
      [
        [0, 65_535],
        [300, 400],
        [5, 6],
      ],
      2,
    );
    const { values, levels, channels } = await picture(image(...colors));
    expect({ channels, levels }).toEqual({ channels: 3, levels: [0, 65_535] });
    expect([...values]).toEqual([0, 300, 5, 0, 300, 5, 65_535, 400, 6, 65_535, 400, 6]);
  });

  test("8-bit entries called 16-bit ones do not come out black", async () => {
    const { values, levels } = await picture(
      image(
        ...palette(
          16,
          0x00281201,
          [
            [0, 255],
            [1, 2],
            [3, 4],
          ],
          2,
        ),
      ),
    );
    expect(levels).toEqual([0, 255]);
    expect(values).toEqual(Uint8Array.of(0, 1, 3, 0, 1, 3, 255, 2, 4, 255, 2, 4));
  });

  test("8-bit entries, two to a word", async () => {
    const packed = palette(8, 0x00281201, [[0x0900], [0x0201], [0x0403]], 2);
    expect([...(await picture(image(...packed))).values].slice(3, 9)).toEqual([0, 1, 3, 9, 2, 4]);
  });

  test("segments: runs, ramps and repetitions", async () => {
    // A run of 100; a ramp over 4 entries to 500; then, from word 0 on, one segment again: the run.
    const segments = [0, 1, 100, 1, 4, 500, 2, 1, 0, 0];
    const { header, read } = await open(image(...palette(16, 0x00281221, [segments, segments, segments], 6)));
    expect(header.photometric).toBe("PALETTE COLOR");
    const { values } = await read(0, "axial");
    // Indices 0, 4, 5 and 9 are entries 0, 0, 1 and 5: 100, 100, 200 and 100 once more.
    expect([0, 3, 6, 9].map((at) => values[at])).toEqual([100, 100, 200, 100]);
  });

  test("segments that repeat themselves, and palettes shorter than they say, are refused", async () => {
    const endless = [2, 60_000, 0, 0, 0];
    await expect(picture(image(...palette(16, 0x00281221, [endless, endless, endless], 6)))).rejects.toThrow(
      "expected 6 entries in the red palette, got 0",
    );
    await expect(picture(image(...palette(16, 0x00281201, [[1], [1], [1]], 300)))).rejects.toThrow("300 entries");
    await expect(picture(image())).rejects.toThrow("expected a red palette, got none");
  });
});

describe("limits are checked before memory is taken", () => {
  const large = greyImage(60_000, 60_000, pixels(1, 2));
  const limits = { ...DEFAULT_LIMITS, pixels: 1000, frames: 3, decodedBytes: 2000, fileBytes: 10_000 };
  const words = (rows: number, columns: number, ...others: BuiltElement[]) =>
    greyImage(
      rows,
      columns,
      [0x7fe00010, "OW", new Uint8Array(rows * columns * 4)],
      keyed([0x00280100, "US", 32], ...others),
    );

  test.each([
    ["pixels", large, "expected at most 1000 pixels, got 60000 × 60000"],
    ["frames", greyImage(1, 2, pixels(1, 2), keyed([0x00280008, "IS", "4"])), "expected at most 3 frames, got 4"],
    ["bytes of a picture", words(30, 30), "expected at most 2000 bytes of one picture, got 3600"],
    ["bytes of the file", words(60, 60), "expected at most 10000 bytes, got"],
  ] as [string, BuiltElement[], string][])("%s", async (_name, elements, message) => {
    await expect(open(elements, limits)).rejects.toThrow(message);
  });

  test("bytes of all frames together count for the array, not for a picture", async () => {
    const three = await open(
      words(60, 6, [0x00280008, "IS", "3"]).map((element) => fitting(element)),
      {
        ...limits,
        decodedBytes: 3000,
      },
    );
    expect((await three.read(2, "axial")).values.length).toBe(360);
    await expect(three.array()).rejects.toThrow("at most 3000 bytes of all frames, got 4320");
  });

  // Three frames' worth of pixel data.
  function fitting(element: BuiltElement): BuiltElement {
    return element[0] === 0x7fe00010 ? [element[0], element[1], new Uint8Array(60 * 6 * 4 * 3)] : element;
  }
});

describe("descriptions that make no sense are named", () => {
  test.each([
    [[0x00280010, "US", 0], "Rows above 0, got 0"],
    [[0x00280100, "US", 64], "1 to 32 bits allocated (0028,0100), got 64"],
    [[0x00280101, "US", 9], "1 to 8 bits stored (0028,0101), got 9"],
    [[0x00280002, "US", 4], "1 or 3 samples per pixel (0028,0002), got 4"],
    [[0x00280004, "CS", "RGB"], "MONOCHROME1, MONOCHROME2, PALETTE COLOR, got RGB"],
    [[0x00280008, "IS", "1A"], 'a whole Number of Frames (0028,0008), got "1A"'],
  ] as [BuiltElement, string][])("%j", async (element, message) => {
    await expect(open(greyImage(1, 2, pixels(1, 2), keyed(element)))).rejects.toThrow(message);
  });

  test("no pixels, and bytes that are no DICOM", async () => {
    await expect(open([[0x00080060, "CS", "SR"]])).rejects.toThrow("without pixel data (modality SR)");
    await expect(openDicom(new Uint8Array(), "x", DEFAULT_LIMITS)).rejects.toThrow("got an empty file");
    await expect(openDicom(Uint8Array.of(1, 2, 3), "x", DEFAULT_LIMITS)).rejects.toThrow(
      "3 bytes that start with 01 02",
    );
  });
});
