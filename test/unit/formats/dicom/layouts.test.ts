import { deflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { joinFragments, splitFrames } from "../../../../src/formats/dicom/frames.ts";
import { parseDataSet } from "../../../../src/formats/dicom/parse.ts";
import { DEFAULT_LIMITS, type DecodeLimits } from "../../../../src/formats/limits.ts";
import { openDicom } from "../../../../src/formats/node/dicom.ts";
import { type BuildOptions, type BuiltElement, buildDicom, greyImage } from "./dicom-builder.ts";

const open = (elements: BuiltElement[], options?: BuildOptions, limits: DecodeLimits = DEFAULT_LIMITS) =>
  openDicom(buildDicom(elements, options), "built", limits);
const stored = async (elements: BuiltElement[], options?: BuildOptions) => {
  const { shape, dtype, data } = await (await open(elements, options)).array();
  return { shape, dtype, data: Array.from(data, Number) };
};
const picture = async (elements: BuiltElement[], frame = 0) => (await open(elements)).read(frame, "axial");
const bits = (allocated: number, used: number, high: number, signed = 0): Record<number, BuiltElement> => ({
  2621696: [0x00280100, "US", allocated],
  2621697: [0x00280101, "US", used],
  2621698: [0x00280102, "US", high],
  2621699: [0x00280103, "US", signed],
});
const frames = (count: string): Record<number, BuiltElement> => ({ 2621448: [0x00280008, "IS", count] });
const pixelBytes = (...bytes: number[]): BuiltElement => [0x7fe00010, "OB", Uint8Array.from(bytes)];
const pixelWords = (...words: number[]): BuiltElement => [0x7fe00010, "OW", words];
const encapsulated = (...fragments: number[][]): BuiltElement => [
  0x7fe00010,
  "OB",
  { fragments: fragments.map((bytes) => Uint8Array.from(bytes)) },
];
const color = (photometric: string, planar: number): Record<number, BuiltElement> => ({
  2621442: [0x00280002, "US", 3],
  2621444: [0x00280004, "CS", photometric],
  2621446: [0x00280006, "US", planar],
});

describe("stored numbers", () => {
  test("packed bits: frames go on within a byte, lowest bit first", async () => {
    // Frames of 3 pixels: 1 0 1, 1 1 0.
    const image = greyImage(1, 3, pixelBytes(0b0001_1101, 0), { ...bits(1, 1, 0), ...frames("2") });
    expect(await stored(image)).toEqual({ shape: [2, 1, 3], dtype: "uint8", data: [1, 0, 1, 1, 1, 0] });
  });

  test("12 bits packed without gaps, little and big endian", async () => {
    // 0xABC, 0x123 → words 0x3ABC, 0x0012.
    const image = greyImage(1, 2, pixelWords(0x3abc, 0x0012), bits(12, 12, 11));
    const expected = { shape: [1, 2], dtype: "uint16", data: [0xabc, 0x123] };
    expect(await stored(image)).toEqual(expected);
    expect(await stored(image, { bigEndian: true, syntax: "1.2.840.10008.1.2.2" })).toEqual(expected);
  });

  test("bits above those stored are cleared, or give way to the sign", async () => {
    expect((await stored(greyImage(1, 2, pixelWords(0xf123, 0x0fff), bits(16, 12, 11)))).data).toEqual([0x123, 0xfff]);
    expect((await stored(greyImage(1, 2, pixelWords(0x7fff, 0xf801), bits(16, 12, 11, 1)))).data).toEqual([-1, -2047]);
  });

  test("a High Bit above counts for pictures; the array leaves it out of account, as pydicom's does", async () => {
    const image = greyImage(1, 2, pixelWords(0x1235, 0xabcf), bits(16, 12, 15));
    expect((await stored(image)).data).toEqual([0x235, 0xbcf]);
    expect([...(await picture(image)).values]).toEqual([0x123, 0xabc]);
  });

  test("8-bit samples of a big endian file written as words are put in order", async () => {
    const image = greyImage(1, 3, [0x7fe00010, "OW", Uint8Array.of(2, 1, 0, 3)]);
    const options = { bigEndian: true, syntax: "1.2.840.10008.1.2.2" };
    expect((await stored(image, options)).data).toEqual([1, 2, 3]);
  });

  test("planes of colours are interleaved, per frame", async () => {
    const image = greyImage(1, 2, pixelBytes(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12), {
      ...color("RGB", 1),
      ...frames("2"),
    });
    expect(await stored(image)).toEqual({
      shape: [2, 1, 2, 3],
      dtype: "uint8",
      data: [1, 3, 5, 2, 4, 6, 7, 9, 11, 8, 10, 12],
    });
  });

  test("YBR_FULL_422 shares colours by pairs; a file that holds all samples all the same is read as such", async () => {
    const shared = greyImage(1, 2, pixelBytes(50, 200, 128, 128), color("YBR_FULL_422", 0));
    expect((await stored(shared)).data).toEqual([50, 50, 50, 200, 200, 200]);
    const full = greyImage(1, 2, pixelBytes(50, 128, 128, 200, 128, 128), color("YBR_FULL_422", 0));
    expect((await stored(full)).data).toEqual([50, 50, 50, 200, 200, 200]);
  });

  test("YBR_PARTIAL black, white and red in pictures", async () => {
    const image = greyImage(1, 3, pixelBytes(16, 128, 128, 235, 128, 128, 81, 90, 240, 0), color("YBR_PARTIAL_422", 0));
    // Source: BT.601's own 8-bit values of red, (81, 90, 240).
    expect([...(await picture(image)).values]).toEqual([0, 0, 0, 255, 255, 255, 254, 0, 0]);
  });

  test("further frames than the file counts are read, padding is not", async () => {
    expect((await stored(greyImage(1, 2, pixelBytes(1, 2, 3, 4)))).shape).toEqual([2, 1, 2]);
    expect((await stored(greyImage(1, 3, pixelBytes(1, 2, 3, 0)))).shape).toEqual([1, 3]);
  });

  test.each([
    ["without preamble", { preamble: false }],
    ["without preamble and meta information", { preamble: false, meta: false }],
    ["implicit, without either", { preamble: false, meta: false, implicit: true }],
    ["big endian, without either", { preamble: false, meta: false, bigEndian: true }],
    ["implicit, said to be explicit", { implicit: true }],
    ["explicit, said to be implicit", { syntax: "1.2.840.10008.1.2" }],
  ] as [string, BuildOptions][])("%s", async (_name, options) => {
    const identified: BuiltElement[] = [
      [0x00080008, "CS", "ORIGINAL"],
      ...greyImage(1, 2, pixelWords(300, 5), bits(16, 16, 15)),
    ];
    expect((await stored(identified, options)).data).toEqual([300, 5]);
  });
});

describe("encapsulated frames", () => {
  const RLE = { syntax: "1.2.840.10008.1.2.5" };
  const header = (...offsets: number[]) => {
    const words = [offsets.length, ...offsets, ...Array(15 - offsets.length).fill(0)];
    return words.flatMap((word) => [word & 255, word >> 8, 0, 0]);
  };
  // Four pixels of one value each: code 253 repeats the next byte four times.
  const frame = (value: number) => [...header(64), 253, value];

  test("literal, repeated and skipped runs of RLE", async () => {
    const image = greyImage(1, 6, encapsulated([], [...header(64), 1, 7, 8, 128, 254, 9, 0, 5]));
    expect((await stored(image, RLE)).data).toEqual([7, 8, 9, 9, 9, 5]);
  });

  test("16-bit RLE: the high bytes come first", async () => {
    const image = greyImage(1, 2, encapsulated([], [...header(64, 68), 1, 1, 2, 0, 1, 3, 4, 0]), bits(16, 16, 15));
    expect((await stored(image, RLE)).data).toEqual([0x0103, 0x0204]);
  });

  test.each([
    ["no offset table, a fragment each", [], [frame(1), frame(2)]],
    // Offsets count item headers: 8 + 60 + 8 + 6.
    [
      "a basic offset table over split frames",
      [0, 0, 0, 0, 82, 0, 0, 0],
      [frame(1).slice(0, 60), frame(1).slice(60), frame(2)],
    ],
    ["a table that fits no fragment", [0, 0, 0, 0, 99, 0, 0, 0], [frame(1), frame(2)]],
  ] as [string, number[], number[][]][])("%s", async (_name, table, fragments) => {
    const image = greyImage(2, 2, encapsulated(table, ...fragments), frames("2"));
    expect((await stored(image, RLE)).data).toEqual([1, 1, 1, 1, 2, 2, 2, 2]);
  });

  test("without a table, split frames start where a codestream does", () => {
    const start = [0xff, 0xd8];
    const parts = [...start, 1, ...[2, 3], ...start, 4, ...[5]];
    const fragments = [3, 2, 3, 1].map((length, at, all) => ({
      offset: all.slice(0, at).reduce((a, b) => a + b, 0),
      length,
    }));
    const { dataSet } = parseDataSet(Uint8Array.from(parts), 0, 0, { explicit: true, littleEndian: true });
    const pixels = {
      tag: 0,
      vr: "OB",
      offset: 0,
      length: 9,
      missing: 0,
      fragments: [{ offset: 0, length: 0 }, ...fragments],
    };
    const groups = splitFrames(dataSet, pixels, 2, "built").map((group) => [...joinFragments(dataSet.bytes, group)]);
    expect(groups).toEqual([
      [...start, 1, 2, 3],
      [...start, 4, 5],
    ]);
  });

  test("an extended offset table", async () => {
    const pixels = encapsulated([], frame(1).slice(0, 60), frame(1).slice(60), frame(2));
    const image = greyImage(2, 2, pixels, { ...frames("2"), 2145386497: [0x7fe00001, "OV", [0, 82]] });
    expect((await stored(image, RLE)).data).toEqual([1, 1, 1, 1, 2, 2, 2, 2]);
  });

  test("deflated frames, and one that inflates to more than a frame", async () => {
    const syntax = { syntax: "1.2.840.10008.1.2.8.1" };
    const image = greyImage(1, 4, encapsulated([], [...deflateRawSync(Uint8Array.of(1, 2, 3, 4))]));
    expect((await stored(image, syntax)).data).toEqual([1, 2, 3, 4]);
    const bomb = greyImage(1, 4, encapsulated([], [...deflateRawSync(new Uint8Array(100_000))]));
    await expect(stored(bomb, syntax)).rejects.toThrow(/bytes after inflating/);
  });

  test("too few frames, segments or bytes are named", async () => {
    const short = greyImage(2, 2, encapsulated([], frame(1)), frames("3"));
    await expect(stored(short, RLE)).rejects.toThrow("expected 3 encapsulated frames, got 1");
    const none = greyImage(2, 2, encapsulated([]));
    await expect(stored(none, RLE)).rejects.toThrow("no fragment of pixel data");
    const segments = greyImage(2, 2, encapsulated([], frame(1)), bits(16, 16, 15));
    await expect(stored(segments, RLE)).rejects.toThrow("expected 2 RLE segments, got 1");
    const bytes = greyImage(2, 4, encapsulated([], frame(1)));
    await expect(stored(bytes, RLE)).rejects.toThrow("expected 8 bytes in RLE segment 0, got 4 fewer");
    const outside = greyImage(2, 2, encapsulated([], [...header(200), 253, 1]));
    await expect(stored(outside, RLE)).rejects.toThrow("expected RLE segment 0 within 66 bytes");
  });
});
