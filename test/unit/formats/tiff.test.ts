import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, describe, expect, test } from "vitest";
import { openImageFile } from "../../../src/formats/node/open-image-file.ts";
import { nodePorts } from "../../../src/formats/node/ports.ts";
import { openImageBytes } from "../../../src/formats/open-image-bytes.ts";
import { pagePictures } from "../../../src/formats/web/picture-decoder.ts";
import { tiffFile } from "./tiff-file.ts";

const folder = mkdtempSync(join(tmpdir(), "msmae-tiff-"));
afterAll(() => rmSync(folder, { recursive: true }));

const size = { width: 4, height: 3 };
const words = Uint8Array.from({ length: 24 }, (_, i) => i * 5);
const expected = Array.from({ length: 12 }, (_, i) => i * 10 * 256 + i * 10 + 5);

test("a big-endian page gives the same values however often it is read, wherever its strip begins", async () => {
  for (const offset of [8, 9, 11]) {
    const path = join(folder, `${offset}.tif`);
    writeFileSync(path, tiffFile({ ...size, values: words, bits: 16, sampleFormat: 2, offset }));
    const file = await openImageFile(path);
    for (let time = 0; time < 3; time++) expect([...(await file.read(0, "axial")).values]).toEqual(expected);
  }
});

describe("our reader gives what libvips gives, where a page has no libvips", () => {
  const ownPorts = { ...nodePorts, pictures: pagePictures };

  const read = async (bytes: Uint8Array) => {
    const ours = await openImageBytes(bytes.slice(), { name: "x.tif" }, ownPorts);
    const libvips = await openImageBytes(bytes.slice(), { name: "x.tif" }, nodePorts);
    expect(ours.count("axial")).toBe(libvips.count("axial"));
    for (let page = 0; page < libvips.count("axial"); page++) {
      expect(await ours.read(page, "axial")).toEqual(await libvips.read(page, "axial"));
    }
  };

  // By tifffile; written by bench/peers/image_files.py.
  const files: Record<string, { file: string }> = JSON.parse(
    readFileSync(new URL("./fixtures/measured-files.json", import.meta.url), "utf8"),
  );
  const tiffs = Object.entries(files).filter(([name]) => /\.tiff?$/.test(name));
  test.each(tiffs)("%s", async (_, { file }) => {
    await read(new Uint8Array(Buffer.from(file, "base64")));
  });

  const pixels = (length: number) => Uint8Array.from({ length }, (_, i) => (i * i * 31 + (i >> 3) * 7) & 255);
  const raw = (channels: 1 | 3) => sharp(pixels(37 * 23 * channels), { raw: { width: 37, height: 23, channels } });
  test.each([
    [1, "b-w", { compression: "none" }],
    [3, "srgb", { compression: "none", tile: true, tileWidth: 16, tileHeight: 16 }],
    [3, "srgb", { compression: "lzw", predictor: "horizontal" }],
    [3, "srgb", { compression: "packbits" }],
    [1, "grey16", { compression: "deflate", predictor: "horizontal" }],
    [3, "rgb16", { compression: "lzw", predictor: "horizontal" }],
    [3, "srgb", { compression: "deflate", bigtiff: true }],
  ] as const)("%i samples of %s, %o", async (channels, space, options) => {
    const bytes = await raw(channels)
      .toColourspace(space)
      .tiff({ ...options, miniswhite: false })
      .toBuffer();
    await read(new Uint8Array(bytes));
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])("of orientation %i", async (orientation) => {
    await read(new Uint8Array(await raw(3).withMetadata({ orientation }).tiff({ compression: "none" }).toBuffer()));
  });

  test.each([8, 16])("of %i bits of which 0 is white", async (bits) => {
    await read(tiffFile({ values: words, width: 24 / (bits / 8), height: 1, bits, photometric: 0 }));
  });
});
