import { readFile } from "node:fs/promises";
import sharp from "sharp";
import { MsmaeError, messageOf } from "../../errors.ts";
import type { RasterImage } from "../raster.ts";
import { decodeBmp, isBmp } from "./bmp.ts";

/** File extensions that {@link decodeImage} reads, lower case. */
export const IMAGE_EXTENSIONS: ReadonlySet<string> = new Set([
  ".png",
  ".jpg",
  ".jpeg",
  ".tif",
  ".tiff",
  ".webp",
  ".bmp",
]);

const DEFAULT_MAX_PIXELS = 2 ** 28;

/** How to decode an image file. */
export interface DecodeOptions {
  /** Channels of the result; without it a grey file gives 1 and any other 3. */
  channels?: 1 | 3;
  /** Refuse images of more pixels than this, before decoding them. */
  maxPixels?: number;
}

/**
 * Reads one PNG, JPEG, TIFF (first page), WebP or BMP file into uint8 [h, w, C].
 *
 * EXIF orientation is applied, palettes are expanded, transparency is composited onto black, 16-bit samples are scaled
 * to 8 bits (v / 257, rounded), and embedded colour profiles are ignored: the stored values count, as in Pillow.
 *
 * @throws MsmaeError Data when the file cannot be read, is cut short, is too large, or has samples of another kind.
 */
export async function decodeImage(path: string, options: DecodeOptions = {}): Promise<RasterImage> {
  try {
    const bytes = await readFile(path);
    const maxPixels = options.maxPixels ?? DEFAULT_MAX_PIXELS;
    const image = isBmp(bytes) ? decodeBmp(bytes, maxPixels) : await decodeWithSharp(bytes, maxPixels);
    return options.channels === undefined ? image : toChannels(image, options.channels);
  } catch (cause) {
    const parts = {
      where: path,
      expected: "a readable PNG, JPEG, TIFF, WebP or BMP image of 8 or 16 bits",
      got: messageOf(cause),
      todo: "repair or remove the file",
    };
    throw new MsmaeError("Data", parts, { cause });
  }
}

async function decodeWithSharp(bytes: Buffer, maxPixels: number): Promise<RasterImage> {
  const input = { failOn: "error", limitInputPixels: maxPixels, ignoreIcc: true } as const;
  const { depth, space, channels, hasAlpha } = await sharp(bytes, input).metadata();
  if (depth !== "uchar" && depth !== "ushort") throw new Error(`samples of type ${depth}`);
  const wide = depth === "ushort";
  const grey = channels - Number(hasAlpha) === 1 && (space === "b-w" || space === "grey16");
  const target = grey ? (wide ? "grey16" : "b-w") : wide ? "rgb16" : "srgb";
  const oriented = sharp(bytes, input).autoOrient();
  const opaque = hasAlpha ? oriented.flatten({ background: "black" }) : oriented;
  const { data, info } = await opaque.toColourspace(target).raw({ depth }).toBuffer({ resolveWithObject: true });
  if (info.channels !== 1 && info.channels !== 3) throw new Error(`${info.channels} channels`);
  const pixels = wide
    ? scaleTo8Bits(new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2))
    : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { width: info.width, height: info.height, channels: info.channels, pixels };
}

function scaleTo8Bits(samples: Uint16Array): Uint8Array {
  const bytes = new Uint8Array(samples.length);
  for (let at = 0; at < samples.length; at++) bytes[at] = Math.round((samples[at] as number) / 257);
  return bytes;
}

/**
 * Converts between grey and RGB: grey is repeated, RGB becomes luma.
 * Source: Pillow's `convert("L")`, ITU-R 601-2 in 16-bit fixed point.
 */
export function toChannels(image: RasterImage, channels: 1 | 3): RasterImage {
  if (image.channels === channels) return image;
  const { width, height, pixels } = image;
  const area = width * height;
  const converted = new Uint8Array(area * channels);
  if (channels === 3) {
    for (let at = 0, to = 0; at < area; at++, to += 3) {
      const value = pixels[at] as number;
      converted[to] = value;
      converted[to + 1] = value;
      converted[to + 2] = value;
    }
  } else {
    for (let at = 0, from = 0; at < area; at++, from += 3) {
      const red = pixels[from] as number;
      const green = pixels[from + 1] as number;
      const blue = pixels[from + 2] as number;
      converted[at] = (red * 19_595 + green * 38_470 + blue * 7_471 + 0x8000) >> 16;
    }
  }
  return { width, height, channels, pixels: converted };
}
