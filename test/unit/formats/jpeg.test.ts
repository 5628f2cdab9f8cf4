import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { decodePlainJpeg } from "../../../src/formats/jpeg.ts";
import { nodeJpeg } from "../../../src/formats/node/codecs.ts";

const ANY_SIZE = 2 ** 28;

/** A picture with edges and gradients in it. */
function picture(width: number, height: number, channels: 1 | 3) {
  const pixels = Uint8Array.from({ length: width * height * channels }, (_, i) => (i * 7 + (i >> 5) * 31) & 255);
  const raw = sharp(pixels, { raw: { width, height, channels } });
  return channels === 1 ? raw.toColourspace("b-w") : raw;
}

async function byLibvips(bytes: Buffer, space: "b-w" | "srgb") {
  const { data, info } = await sharp(bytes).toColourspace(space).raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, channels: info.channels, values: new Uint8Array(data) };
}

describe("ordinary JPEG files", () => {
  test.each([
    { channels: 3, chromaSubsampling: "4:2:0", progressive: false },
    { channels: 3, chromaSubsampling: "4:4:4", progressive: false },
    { channels: 3, chromaSubsampling: "4:2:0", progressive: true },
    { channels: 1, chromaSubsampling: "4:2:0", progressive: false },
  ] as const)("%o is decoded as libvips does, to the byte", async ({ channels, ...options }) => {
    for (const [width, height] of [
      [64, 48],
      [33, 17],
      [1, 1],
      [7, 130],
    ] as const) {
      const bytes = await picture(width, height, channels)
        .jpeg({ ...options, quality: 83 })
        .toBuffer();
      const expected = await byLibvips(bytes, channels === 1 ? "b-w" : "srgb");
      expect(await decodePlainJpeg(bytes, ANY_SIZE, nodeJpeg)).toMatchObject({
        ...expected,
        levels: [0, 255],
        inverted: false,
      });
    }
  });

  test("an upright Exif orientation changes nothing", async () => {
    const bytes = await picture(20, 12, 3).withMetadata({ orientation: 1 }).jpeg().toBuffer();
    expect(await decodePlainJpeg(bytes, ANY_SIZE, nodeJpeg)).toMatchObject(await byLibvips(bytes, "srgb"));
  });
});

describe("left to libvips", () => {
  const plain = () => picture(40, 30, 3).jpeg().toBuffer();

  test.each([3, 6, 8])("a picture that Exif turns (%i)", async (orientation) => {
    const bytes = await picture(20, 12, 3).withMetadata({ orientation }).jpeg().toBuffer();
    expect(await decodePlainJpeg(bytes, ANY_SIZE, nodeJpeg)).toBeUndefined();
  });

  test("CMYK, and a file with an Adobe marker", async () => {
    const bytes = await picture(20, 12, 3).toColourspace("cmyk").jpeg().toBuffer();
    expect(await decodePlainJpeg(bytes, ANY_SIZE, nodeJpeg)).toBeUndefined();
    const whole = await plain();
    const adobe = Buffer.from([0xff, 0xee, 0, 14, 0x41, 0x64, 0x6f, 0x62, 0x65, 0, 100, 0, 0, 0, 0, 0]);
    const marked = Buffer.concat([whole.subarray(0, 2), adobe, whole.subarray(2)]);
    expect(await decodePlainJpeg(marked, ANY_SIZE, nodeJpeg)).toBeUndefined();
  });

  test("a file cut short, one larger than allowed, and other formats", async () => {
    const bytes = await plain();
    expect(await decodePlainJpeg(bytes.subarray(0, bytes.length - 40), ANY_SIZE, nodeJpeg)).toBeUndefined();
    expect(await decodePlainJpeg(bytes, 40 * 30 - 1, nodeJpeg)).toBeUndefined();
    expect(await decodePlainJpeg(await picture(4, 4, 3).png().toBuffer(), ANY_SIZE, nodeJpeg)).toBeUndefined();
  });

  test("a damaged file does not spoil the next one", async () => {
    const bytes = await plain();
    const expected = await byLibvips(bytes, "srgb");
    // The first Huffman table says that it has more codes than fit.
    const damaged = Buffer.from(bytes);
    damaged.fill(0xff, bytes.indexOf(Buffer.from([0xff, 0xc4])) + 5, bytes.indexOf(Buffer.from([0xff, 0xc4])) + 21);
    expect(await decodePlainJpeg(damaged, ANY_SIZE, nodeJpeg)).toBeUndefined();
    expect(await decodePlainJpeg(bytes, ANY_SIZE, nodeJpeg)).toMatchObject(expected);
  });
});
