import sharp from "sharp";
import { markOutsideCircle } from "../../formats/scanner-circle.ts";
import type { FileWindow } from "../../formats/source-image.ts";
import { applyWindow, type WindowRule } from "../../images/window.ts";
import { messageOf } from "../../support/errors.ts";
import { damagedEntry } from "../archives/archive.ts";

/** Hounsfield values are stored with this added to them. */
const CT_OFFSET = 32_768;
const HALF_RANGE = 128;
const MAX_PIXELS = 2 ** 26;

/** In pixels. */
export interface PictureSize {
  width: number;
  height: number;
}

/** A picture of one 8-bit channel: `pixels` is [height, width]. */
export interface GreyPicture extends PictureSize {
  pixels: Uint8Array;
}

/**
 * Decodes a mask: 255 where it is at least half as bright as white, 0 elsewhere. JPEG masks need the threshold, since
 * their edges ring.
 *
 * @throws DamagedEntry when it cannot be decoded.
 */
export async function readMask(where: string, bytes: Uint8Array): Promise<GreyPicture> {
  const { data, info } = await decoding(where, () =>
    sharp(bytes, { limitInputPixels: MAX_PIXELS })
      .removeAlpha()
      .toColourspace("b-w")
      .raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true }),
  );
  const pixels = new Uint8Array(info.width * info.height);
  for (let at = 0; at < pixels.length; at++) {
    pixels[at] = (data[at * info.channels] as number) >= HALF_RANGE ? 255 : 0;
  }
  return { width: info.width, height: info.height, pixels };
}

/**
 * Width and height of a picture as it is shown, in pixels, by its header.
 *
 * @throws DamagedEntry when it has none.
 */
export async function pictureSize(where: string, bytes: Uint8Array): Promise<PictureSize> {
  const { autoOrient } = await decoding(where, () => sharp(bytes, { limitInputPixels: MAX_PIXELS }).metadata());
  return autoOrient;
}

/** How far the proportions of a mask may be from its image's. */
const NEAR = 0.02;

/** Whether a mask is its image at another scale. */
export function hasShapeOf(mask: PictureSize, image: PictureSize): boolean {
  return Math.abs((mask.width * image.height) / (mask.height * image.width) - 1) <= NEAR;
}

/** A mask at another size: each pixel is that of the mask at its centre. */
export function scaledMask(mask: GreyPicture, { width, height }: PictureSize): GreyPicture {
  const pixels = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const row = Math.floor(((y + 0.5) * mask.height) / height) * mask.width;
    for (let x = 0; x < width; x++) {
      pixels[y * width + x] = mask.pixels[row + Math.floor(((x + 0.5) * mask.width) / width)] as number;
    }
  }
  return { width, height, pixels };
}

/** Adds the second mask to the first of the same size, in place. */
export function uniteMasks(mask: GreyPicture, other: GreyPicture): void {
  for (let at = 0; at < mask.pixels.length; at++)
    mask.pixels[at] = (mask.pixels[at] as number) | (other.pixels[at] as number);
}

/**
 * Turns a 16-bit PNG of CT values into grey levels.
 *
 * @throws DamagedEntry when it cannot be decoded or is no 16-bit grey picture.
 */
export async function readCt(
  where: string,
  bytes: Uint8Array,
  windows: readonly FileWindow[],
  rule: WindowRule,
): Promise<GreyPicture> {
  const options = { limitInputPixels: MAX_PIXELS };
  const { data, info, depth } = await decoding(where, async () => {
    const { depth } = await sharp(bytes, options).metadata();
    const picture = sharp(bytes, options).toColourspace("grey16").raw({ depth: "ushort" });
    return { depth, ...(await picture.toBuffer({ resolveWithObject: true })) };
  });
  const { width, height, channels } = info;
  if (depth !== "ushort" || channels !== 1) {
    const got = `${channels} channels of ${depth}`;
    const todo = "give the 16-bit PNG files as they are published";
    throw damagedEntry(where, "a grey picture of 16 bits", got, todo);
  }
  const stored = new Uint16Array(data.buffer, data.byteOffset, width * height);
  const values = Int16Array.from(stored, (value) => value - CT_OFFSET);
  const unmeasured = markOutsideCircle(values);
  const source = {
    width,
    height,
    channels: 1 as const,
    values,
    windows,
    inverted: false,
    levels: undefined,
    ...(unmeasured && { unmeasured }),
  };
  return { width, height, pixels: applyWindow(source, rule, where).pixels };
}

/** Writes a grey picture as PNG, with the same bytes each time. */
export async function greyPng({ width, height, pixels }: GreyPicture): Promise<Buffer> {
  return sharp(pixels, { raw: { width, height, channels: 1 } })
    .toColourspace("b-w")
    .png({ compressionLevel: 6, adaptiveFiltering: false })
    .toBuffer();
}

async function decoding<T>(where: string, decode: () => Promise<T>): Promise<T> {
  try {
    return await decode();
  } catch (cause) {
    const todo = "get the archive again from its source";
    throw damagedEntry(where, "a picture", messageOf(cause), todo, cause);
  }
}
