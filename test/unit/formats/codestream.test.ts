import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { hasJpegEnd, readCodestreamHeader, withoutBoxes } from "../../../src/formats/codestream.ts";
import { joinFragments, splitFrames } from "../../../src/formats/dicom/frames.ts";
import { imageInfo } from "../../../src/formats/dicom/image-info.ts";
import { DEFAULT_LIMITS } from "../../../src/formats/limits.ts";
import { openDicom, parseFile } from "../../../src/formats/node/dicom.ts";
import { type BuiltElement, buildDicom, greyImage } from "./dicom/dicom-builder.ts";

const u16 = (value: number) => [value >> 8, value & 255];
const u32 = (value: number) => [...u16(value >>> 16), ...u16(value & 0xffff)];

// SOC and SIZ of one component, 8 bits.
const siz = (width: number, height: number, tile: number, rsiz = 0) =>
  Uint8Array.from([
    ...[0xff, 0x4f, 0xff, 0x51, ...u16(41), ...u16(rsiz)],
    ...[width + 5, height + 7, 5, 7, tile, tile, 0, 0].flatMap(u32),
    ...[...u16(1), 7, 1, 1],
  ]);

describe("codestream headers", () => {
  test("JPEG 2000: size without the image's offset, and whether it is high-throughput", () => {
    expect(readCodestreamHeader(siz(40, 30, 64))).toMatchObject({
      kind: "jpeg2000",
      width: 40,
      height: 30,
      precision: 8,
    });
    expect(readCodestreamHeader(siz(40, 30, 64, 0x4000))?.kind).toBe("htj2k");
  });

  test("JPEG 2000 in more tiles than the standard allows, or in none, is no codestream", () => {
    expect(readCodestreamHeader(siz(250, 250, 1))?.width).toBe(250);
    expect(readCodestreamHeader(siz(300, 300, 1))).toBeUndefined();
    expect(readCodestreamHeader(siz(40, 30, 0))).toBeUndefined();
  });

  test("a JP2 file's boxes are taken off", () => {
    const stream = siz(4, 4, 4);
    const boxes = [...u32(12), 0x6a, 0x50, 0x20, 0x20, 0, 0, 0, 0, ...u32(0), 0x6a, 0x70, 0x32, 0x63];
    expect(withoutBoxes(Uint8Array.from([...boxes, ...stream]))).toEqual(stream);
    expect(withoutBoxes(stream)).toBe(stream);
  });

  test("JPEG: what the frame header and the markers before it say", () => {
    const frame = (marker: number, precision: number) => [0xff, marker, ...u16(17), precision, ...u16(9), ...u16(8), 3];
    const components = [0x52, 0x11, 0, 0x47, 0x11, 0, 0x42, 0x11, 0];
    const jfif = [0xff, 0xe0, ...u16(7), 0x4a, 0x46, 0x49, 0x46, 0];
    const scan = (count: number) => [0xff, 0xda, ...u16(6 + 2 * count), count, 0, 0];
    const read = (...parts: number[][]) => readCodestreamHeader(Uint8Array.from([[0xff, 0xd8], ...parts].flat()));
    expect(read(jfif, frame(0xc0, 8), components, scan(3))).toEqual({
      kind: "jpeg8",
      width: 8,
      height: 9,
      components: 3,
      precision: 8,
      ids: [0x52, 0x47, 0x42],
      jfif: true,
      separateScans: false,
      leastBytes: 0,
    });
    expect(read(frame(0xc1, 12), components, scan(3))).toMatchObject({ kind: "jpeg12", jfif: false });
    expect(read(frame(0xc3, 16), components, scan(3))?.kind).toBe("jpeg-lossless");
    expect(read(frame(0xf7, 8), components, scan(1))).toMatchObject({ kind: "jpeg-ls", separateScans: true });
    expect(read(scan(1))).toBeUndefined();
    expect(read(frame(0xc0, 8), components)).toBeUndefined();
    expect(read(frame(0xc9, 8), components, scan(3))).toBeUndefined();
  });

  test("a JPEG's end counts behind its last scan only, whatever pads it", () => {
    expect(hasJpegEnd(Uint8Array.of(0xff, 0xd8, 0xff, 0xda, 1, 0xff, 0xd9, 0, 7))).toBe(true);
    expect(hasJpegEnd(Uint8Array.of(0xff, 0xd8, 0xff, 0xd9, 0xff, 0xda, 1, 2))).toBe(false);
  });
});

const DATA = join(process.env.MSMAE_DATA ?? "../shared/data", "dicom");
const missing = !existsSync(DATA);

describe.skipIf(missing)(`codestreams of real files${missing ? " (SKIPPED: no test files)" : ""}`, () => {
  const frameOf = (name: string) => {
    const file = parseFile(new Uint8Array(readFileSync(join(DATA, name))), name, { decodedBytes: 2 ** 28 });
    const info = imageInfo(file, name, DEFAULT_LIMITS);
    return joinFragments(file.dataSet.bytes, splitFrames(file.dataSet, info.pixels, info.frames, name)[0] ?? []);
  };
  const wrap = (frame: Uint8Array, rows: number, columns: number, others: BuiltElement[] = []) => {
    const pixels: BuiltElement = [0x7fe00010, "OB", { fragments: [new Uint8Array(), frame] }];
    const elements = greyImage(
      rows,
      columns,
      pixels,
      Object.fromEntries(others.map((element) => [element[0], element])),
    );
    return openDicom(buildDicom(elements, { syntax: "1.2.840.10008.1.2.4.70" }), "built", DEFAULT_LIMITS);
  };
  const words: BuiltElement[] = [
    [0x00280100, "US", 16],
    [0x00280101, "US", 16],
    [0x00280102, "US", 15],
  ];

  test.each([
    ["pydicom/JPGExtended.dcm", 1024, 256],
    ["pydicom-data/JPEG-LL.dcm", 1024, 256],
    ["pydicom/MR_small_jp2klossless.dcm", 64, 64],
    ["pydicom/MR_small_jpeg_ls_lossless.dcm", 64, 64],
  ])(
    "%s: whole it is read, whatever the syntax says; cut within its fragment it is an error",
    async (name, rows, columns) => {
      const frame = frameOf(name);
      const whole = await (await wrap(frame, rows, columns, words)).array();
      expect(whole.shape).toEqual([rows, columns]);
      const half = await wrap(frame.slice(0, frame.length >> 1), rows, columns, words);
      await expect(half.array()).rejects.toThrow(/expected .*pixel data, got/);
      // The damage does not stay with the codecs.
      expect((await (await wrap(frame, rows, columns, words)).array()).data).toEqual(whole.data);
    },
  );

  test("damaged and whole pictures decoded at a time do not disturb each other", async () => {
    const frame = frameOf("pydicom/MR_small_jpeg_ls_lossless.dcm");
    const whole = await wrap(frame, 64, 64, words);
    const half = await wrap(frame.slice(0, frame.length >> 1), 64, 64, words);
    const expected = (await whole.array()).data;
    const reads = Array.from({ length: 12 }, (_, at) => (at % 3 === 0 ? half : whole).array());
    for (const [at, outcome] of (await Promise.allSettled(reads)).entries()) {
      expect([at, outcome.status]).toEqual([at, at % 3 === 0 ? "rejected" : "fulfilled"]);
      if (outcome.status === "fulfilled") expect(outcome.value.data).toEqual(expected);
    }
  });

  test("sizes and depths that contradict the file are named", async () => {
    const frame = frameOf("pydicom/MR_small_jp2klossless.dcm");
    const size = await wrap(frame, 64, 32, words);
    await expect(size.array()).rejects.toThrow(
      "expected a codestream of 32 × 64 pixels of 1 samples, got 64 × 64 of 1",
    );
    const depth = await wrap(frame, 64, 64);
    await expect(depth.array()).rejects.toThrow("at most 8 bits, as allocated (0028,0100), got 16");
  });
});
