import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { constants, crc32, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import sharp from "sharp";
import { afterAll, describe, expect, test } from "vitest";
import { checkData } from "../../../src/curation/check/check-data.ts";
import { dataStats } from "../../../src/curation/stats.ts";
import { openDataset } from "../../../src/data/dataset.ts";
import { labelAreasOf } from "../../../src/data/index/label-areas.ts";
import { DESCRIPTION_LIMITS, readDescription } from "../../../src/data/layouts/description.ts";
import { readImageTable } from "../../../src/data/layouts/table.ts";
import { ImageLoader } from "../../../src/data/loader/loader.ts";
import { decodeImage } from "../../../src/data/pictures/decode-image.ts";
import { DEFAULT_READING } from "../../../src/data/pictures/reading.ts";
import { TABLE_LIMITS } from "../../../src/data/tables/limits.ts";
import { encodeNpy } from "../../../src/formats/npy.ts";
import { listPictures } from "../../../src/inference/list-pictures.ts";
import { readFiles } from "../../../src/inference/read-files.ts";
import type { EncoderConfig } from "../../../src/method/models/config.ts";
import { MsmaeError } from "../../../src/support/errors.ts";
import { type BuildOptions, type BuiltElement, buildDicom, greyImage } from "./dicom/dicom-builder.ts";
import { bmpHeader, niftiFile } from "./volume-files.ts";

const folder = mkdtempSync(join(tmpdir(), "msmae-hostile-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A file by its name, and what of the error's `got` must be said. */
type Hostile = readonly [name: string, bytes: () => Uint8Array, says: RegExp];

const zeros = (length: number) => new Uint8Array(length);
const pixelData: BuiltElement = [0x7fe00010, "OB", zeros(4)];
const frames = (count: string): Record<number, BuiltElement> => ({ 2621448: [0x00280008, "IS", count] });
const dicom = (others: Record<number, BuiltElement>, pixels = pixelData, options: BuildOptions = {}) =>
  buildDicom(greyImage(2, 2, pixels, others), options);

/** A gzip stream of some bytes and very many zeros, its members one after another. */
function packed(head: Uint8Array, megabytes: number): Uint8Array {
  const member = gzipSync(zeros(2 ** 24), { level: 9 });
  return Buffer.concat([gzipSync(head), ...new Array<Uint8Array>(megabytes / 16).fill(member)]);
}

function pngFile(width: number, height: number, chunks: [type: string, data: Uint8Array][]): Uint8Array {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head[8] = 8;
  const all: [string, Uint8Array][] = [["IHDR", head], ...chunks, ["IEND", zeros(0)]];
  const written = all.map(([type, data]) => {
    const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  });
  return Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]), ...written]);
}

async function jpegFile(width: number, height: number): Promise<Uint8Array> {
  const pixels = sharp(zeros(64), { raw: { width: 8, height: 8, channels: 1 } });
  const bytes = await pixels.toColourspace("b-w").jpeg().toBuffer();
  const frame = bytes.indexOf(Buffer.from([0xff, 0xc0]));
  bytes.writeUInt16BE(height, frame + 5);
  bytes.writeUInt16BE(width, frame + 7);
  return bytes;
}
const jpeg = await jpegFile(16_000, 16_000);

/** Pages of a classic TIFF whose strip tables are all the same four million values. */
function sharedTables(pages: number): Uint8Array {
  const values = 2 ** 21;
  const tableAt = 8;
  const first = tableAt + values * 4;
  const bytes = Buffer.alloc(first + pages * 54);
  bytes.write("II*\0", "latin1");
  bytes.writeUInt32LE(first, 4);
  for (let page = 0; page < pages; page++) {
    const at = first + page * 54;
    bytes.writeUInt16LE(4, at);
    for (const [entry, tag, type, count, value] of [
      [0, 256, 4, 1, 8],
      [1, 257, 4, 1, 8],
      [2, 258, 3, 1, 64],
      [3, 273, 4, values, tableAt],
    ] as const) {
      const to = at + 2 + entry * 12;
      bytes.writeUInt16LE(tag, to);
      bytes.writeUInt16LE(type, to + 2);
      bytes.writeUInt32LE(count, to + 4);
      bytes.writeUInt32LE(value, to + 8);
    }
    bytes.writeUInt32LE(page + 1 < pages ? at + 54 : 0, at + 50);
  }
  return bytes;
}

/** A bitmap header of a picture that is not there. */
const bmpFile = (width: number, height: number) => Buffer.concat([bmpHeader(width, height), Buffer.alloc(6)]);

function npyFile(shape: string, descr = "|u1"): Uint8Array {
  const header = `{'descr': '${descr}', 'fortran_order': True, 'shape': (${shape}), }\n`;
  const start = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 2, 0, 0, 0, 0, 0]);
  start.writeUInt32LE(header.length, 8);
  return Buffer.concat([start, Buffer.from(header), zeros(64)]);
}

/** JPEG 2000 of 64×64 pixels whose components have fewer samples down than the picture has rows. */
function subsampled(): Uint8Array {
  const siz = Buffer.alloc(43);
  siz.set([0xff, 0x4f, 0xff, 0x51, 0, 41, 0x40, 0]);
  for (const at of [8, 12, 24, 28]) siz.writeUInt32BE(64, at);
  siz.writeUInt16BE(1, 40);
  return Buffer.concat([siz.subarray(0, 42), Buffer.from([7, 1, 143])]);
}

const emptyItems = (count: number) => {
  const item = Buffer.from([0xfe, 0xff, 0x00, 0xe0, 0, 0, 0, 0]);
  const bytes = Buffer.alloc(count * 8);
  for (let at = 0; at < bytes.length; at += 8) item.copy(bytes, at);
  return bytes;
};

/** A sequence of undefined length, which has to be read to find its end. */
function manyItems(count: number): Uint8Array {
  const whole = Buffer.from(dicom({}));
  const at = whole.indexOf(Buffer.from([0x28, 0x00, 0x02, 0x00]));
  const sequence = Buffer.from([0x08, 0x00, 0x40, 0x11, 0x53, 0x51, 0, 0, 0xff, 0xff, 0xff, 0xff]);
  return Buffer.concat([whole.subarray(0, at), sequence, emptyItems(count), whole.subarray(at)]);
}

function deflatedBomb(): Uint8Array {
  const meta = Buffer.from(buildDicom([], { syntax: "1.2.840.10008.1.2.1.99" }));
  const body = Buffer.from(dicom({}, pixelData, { preamble: false, meta: false }));
  // Pieces that end on a byte follow one another in one stream.
  const piece = (bytes: Uint8Array) => deflateRawSync(bytes, { finishFlush: constants.Z_FULL_FLUSH });
  const much = new Array<Uint8Array>(64).fill(piece(zeros(2 ** 24)));
  return Buffer.concat([meta, piece(body), ...much, deflateRawSync(zeros(0))]);
}

const HOSTILE: Hostile[] = [
  ["frames.dcm", () => dicom(frames("2147483647")), /2147483647/],
  ["frames-within-limit.dcm", () => dicom(frames("90000")), /bytes missing/],
  ["frames-infinite.dcm", () => dicom(frames("9e999")), /9e999/],
  [
    "rows.dcm",
    () => dicom({ 2621456: [0x00280010, "US", 65535], 2621457: [0x00280011, "US", 65535] }),
    /65535 × 65535/,
  ],
  [
    "rle.dcm",
    () =>
      dicom(
        { 2621456: [0x00280010, "US", 16000], 2621457: [0x00280011, "US", 16000] },
        [0x7fe00010, "OB", { fragments: [zeros(0), Buffer.from([1, 0, 0, 0, ...zeros(60)])] }],
        { syntax: "1.2.840.10008.1.2.5" },
      ),
    /bytes 0 to 64/,
  ],
  [
    "jpeg.dcm",
    () =>
      dicom(
        { 2621456: [0x00280010, "US", 16000], 2621457: [0x00280011, "US", 16000] },
        [0x7fe00010, "OB", { fragments: [zeros(0), jpeg] }],
        { syntax: "1.2.840.10008.1.2.4.50" },
      ),
    new RegExp(`^${jpeg.length}$`),
  ],
  [
    "subsampled.dcm",
    () =>
      dicom(
        { 2621456: [0x00280010, "US", 64], 2621457: [0x00280011, "US", 64] },
        [0x7fe00010, "OB", { fragments: [zeros(0), subsampled()] }],
        { syntax: "1.2.840.10008.1.2.4.202" },
      ),
    /bytes ff 4f ff 51/,
  ],
  ["deflated.dcm", deflatedBomb, /more than 268435456 bytes after inflating/],
  ["shape.nii", () => niftiFile([32767, 32767, 32767], zeros(100)), /32767×32767×32767/],
  ["shape.nii.gz", () => packed(niftiFile([32767, 32767, 32767], zeros(0)), 3072), /32767×32767×32767/],
  ["cut.nii", () => niftiFile([512, 512, 512], zeros(100)), /100 of 134217728 bytes/],
  ["unpackable.nii.gz", () => gzipSync(niftiFile([1024, 1024, 1024], zeros(10))), /in a gzip file of/],
  ["slices.nii.gz", () => packed(niftiFile([1, 1, 32767, 100], zeros(0)), 16), /3276700 bytes/],
  ["zeros.png.gz", () => packed(pngFile(8, 8, []), 3072), /more than 268435456 bytes after decompression/],
  ["zeros.gz.png", () => packed(zeros(0), 3072), /nothing but zeros/],
  ["shape.npy", () => npyFile("99999998, 100000000"), /9999999800000000 bytes/],
  ["overflow.npy", () => npyFile(`${"9".repeat(400)}, 0`), /axes/],
  ["axes.npy", () => npyFile(new Array(20_000).fill("0").join(", ")), /20000 axes/],
  ["cut.npy", () => npyFile("20000, 20000"), /of 400000000 bytes/],
  ["objects.npy", () => npyFile("8, 8", "|O"), /\|O/],
  ["shape.npy.gz.npy", () => gzipSync(npyFile("20000, 20000")), /in a gzip file of/],
  ["claim.png", () => pngFile(16_000, 16_000, [["IDAT", deflateSync(zeros(1000))]]), /16000×16000 pixels, which take/],
  ["pixels.png", () => pngFile(2 ** 31 - 1, 2 ** 31 - 1, [["IDAT", deflateSync(zeros(1000))]]), /pixels/],
  ["claim.jpg", () => jpeg, /16000×16000 pixels, which take/],
  ["claim.bmp", () => bmpFile(16_000, 16_000), /cut short/],
  ["negative.bmp", () => bmpFile(2 ** 31 - 1, -(2 ** 31)), /2147483647×2147483648/],
  ["tables.tif", () => sharedTables(50), /./],
];

/** Runs some work, and tells how long it took and by how much the process grew at most. */
async function measured<T>(work: () => Promise<T>): Promise<{ result: T; seconds: number; megabytes: number }> {
  const before = process.resourceUsage().maxRSS;
  const started = performance.now();
  const result = await work();
  const seconds = (performance.now() - started) / 1000;
  return { result, seconds, megabytes: (process.resourceUsage().maxRSS - before) / 1024 };
}

describe("headers that claim what is not there", () => {
  test.each(HOSTILE)("%s is one named error, soon and without its memory", async (name, make, says) => {
    const path = join(folder, name);
    writeFileSync(path, make());
    const { result, seconds, megabytes } = await measured(async () => {
      const pictures = await listPictures([path], { slices: "all", sliceAxis: "axial" });
      const faults = await Promise.allSettled([decodeImage(path), decodeImage(path, { item: 1 })]);
      return { pictures, faults };
    });
    const error = (result.faults[0] as PromiseRejectedResult).reason as MsmaeError;
    expect(error).toBeInstanceOf(MsmaeError);
    expect(error.code).toBe("Data");
    expect(error.parts.where).toContain(path);
    expect(error.parts.got).toMatch(says);
    expect(result.faults.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(result.pictures.length).toBeLessThan(2 ** 20);
    // Other tests may have the processor as well; unchecked claims take minutes or all memory.
    expect(seconds).toBeLessThan(10);
    expect(megabytes).toBeLessThan(500);
  });

  test("a DICOM file of more items than anybody writes is refused before they fill the memory", async () => {
    const path = join(folder, "items.dcm");
    writeFileSync(path, manyItems(2 ** 20));
    const { result, megabytes } = await measured(() => decodeImage(path).catch((error: unknown) => error));
    expect(result).toMatchObject({ code: "Data", parts: { where: path, got: "more than 1048576 elements" } });
    expect(megabytes).toBeLessThan(500);
  });

  test("what is empty and honest opens, however well it is packed", async () => {
    const path = join(folder, "empty.nii.gz");
    writeFileSync(path, packed(niftiFile([512, 512, 512], zeros(0)), 128));
    expect(await listPictures([path], { slices: "all", sliceAxis: "axial" })).toHaveLength(512);
    expect(await decodeImage(path)).toMatchObject({ width: 512, height: 512 });
    const png = join(folder, "empty.png");
    await sharp({ create: { width: 2048, height: 2048, channels: 3, background: "black" } })
      .png()
      .toFile(png);
    expect(await decodeImage(png)).toMatchObject({ width: 2048, height: 2048 });
    const jpg = join(folder, "empty.jpg");
    await sharp({ create: { width: 2048, height: 2048, channels: 3, background: "black" } })
      .jpeg({ progressive: true, optimiseCoding: true })
      .toFile(jpg);
    expect(await decodeImage(jpg)).toMatchObject({ width: 2048, height: 2048 });
  });
});

describe("tables and descriptions beyond what anybody writes", () => {
  const table = join(folder, "table.csv");
  test.each([
    ["a file of more bytes than a table has", () => truncateSync(table, TABLE_LIMITS.bytes + 1), /134217729 bytes/],
    ["a header of very many columns", () => writeFileSync(table, ",".repeat(10_000_000)), /more/],
    ["an endless line", () => writeFileSync(table, `path,label\n"${"x".repeat(1_000_000)}`), /Max Record Size/],
    ["very many rows", () => writeFileSync(table, `path,label\n${"a,\n".repeat(TABLE_LIMITS.rows + 1)}`), /more/],
  ])("%s is one error", async (_, write, says) => {
    writeFileSync(table, "");
    write();
    const reading = readImageTable(table, {}, "data");
    await expect(reading).rejects.toMatchObject({
      code: "Data",
      parts: { where: table, got: expect.stringMatching(says) },
    });
  });

  test.each([
    ["deep", () => `{"labels": ${"[".repeat(1_000_000)}`, /more than 64 levels/],
    ["deep in a string only", () => `{"labels": "${"[".repeat(1000)}\\"["}`, /labels/],
    ["large", () => " ".repeat(DESCRIPTION_LIMITS.bytes + 1), /16777217 bytes/],
  ])("a description that is %s is one error", async (_, write, says) => {
    const path = join(folder, "dataset.json");
    writeFileSync(path, write());
    await expect(readDescription(path)).rejects.toMatchObject({
      code: "Data",
      parts: { got: expect.stringMatching(says) },
    });
  });

  test("a mask that is no mask is refused by its labels", async () => {
    const path = join(folder, "mask.npy");
    writeFileSync(
      path,
      encodeNpy(
        Uint32Array.from({ length: 512 * 512 }, (_, i) => i),
        [512, 512],
        "uint32",
      ),
    );
    const parts = { where: path, expected: "a mask of at most 65536 labels" };
    await expect(labelAreasOf({ path, kind: "labels" }, "axial")).rejects.toMatchObject({ code: "Data", parts });
  });
});

describe("a file of many pictures that cannot be opened", () => {
  const root = join(folder, "set");
  const bad = join(root, "train/A/cut.nii");
  for (const name of ["A", "B"]) mkdirSync(join(root, "train", name), { recursive: true });
  // Within every limit, and cut short: the table of contents believes it, the reader does not.
  writeFileSync(`${bad}.gz`, gzipSync(niftiFile([40, 40, 40], zeros(40 * 40 * 39)), { level: 0 }));
  writeFileSync(join(root, "train/A/sound.nii"), niftiFile([40, 40, 2], zeros(3200).fill(7)));
  writeFileSync(join(root, "train/B/sound.nii"), niftiFile([40, 40, 2], zeros(3200).fill(9)));

  test("is one line of predict", async () => {
    // No more of a model is looked at.
    const config = { inputHeight: 32, inputWidth: 32, inChans: 1 } as EncoderConfig;
    const pictures = await listPictures([root], { slices: "all", sliceAxis: "axial" });
    expect(pictures).toHaveLength(44);
    const files = [];
    for await (const batch of readFiles(pictures, { config, batchSize: 8, reading: DEFAULT_READING }))
      files.push(...batch.files);
    const [failed, ...rest] = files;
    expect(failed).toEqual({
      path: `${bad}.gz`,
      error: { code: "Data", message: expect.stringContaining("cut short") },
    });
    expect(rest.map((file) => ("error" in file ? "error" : file.index))).toEqual([40, 41, 42, 43]);
  });

  test("is one warning of the loader and one name in the statistics", async () => {
    const warnings: string[] = [];
    const { splits } = await openDataset(root, { seed: 0, valSplit: 0, slices: "all" });
    const size = { inputHeight: 16, inputWidth: 16, channels: 1 as const };
    await using loader = new ImageLoader(splits.train, {
      ...size,
      workers: 1,
      onWarning: (text) => warnings.push(text),
    });
    let images = 0;
    for await (const batch of loader.inOrder({ batchSize: 16 })) images += batch.indices.length;
    expect(images).toBe(4);
    expect(warnings).toHaveLength(1);
    const stats = await dataStats({
      ...{ dataPath: root, split: "train", seed: 0, valSplit: 0, slices: "all", inChans: 1, window: "auto" },
      ...{ sliceAxis: "axial", workers: 1, strict: false, inputSize: { height: 16, width: 16 } },
    });
    expect(stats).toMatchObject({ images: 4, unreadable: [`${bad}.gz`] });
  });

  test("is one finding of the check, which counts its pictures", async () => {
    const result = await checkData({ dataPath: root, seed: 0, slices: "all", workers: 1 });
    expect(result.unreadable).toEqual([
      {
        path: "train/A/cut.nii.gz",
        images: 40,
        error: { code: "Data", message: expect.stringContaining("cut short") },
      },
    ]);
    expect(result.findings.find(({ id }) => id === "unreadable")?.title).toBe("40 images cannot be read");
  });
});
