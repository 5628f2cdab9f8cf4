import type { Sharp, SharpOptions } from "sharp";
import type { RgbImage } from "../visual/image.ts";
import { Html, html } from "./html.ts";

/** A picture as the bytes of a PNG file. */
export async function encodePng({ width, height, data }: RgbImage): Promise<Uint8Array> {
  const picture = await raw(data, { width, height, channels: 3 });
  return picture.png({ compressionLevel: 9 }).toBuffer();
}

/** A one-channel picture [height, width], such as a mask, as the bytes of a grey PNG file of 8 bits. */
export async function encodeGreyPng(grey: Uint8Array, width: number, height: number): Promise<Uint8Array> {
  const picture = await raw(grey, { width, height, channels: 1 });
  return picture.toColourspace("b-w").png({ compressionLevel: 9 }).toBuffer();
}

/** Loads libvips when the first picture is written, since most who import this module write none. */
async function raw(data: RgbImage["data"], shape: NonNullable<SharpOptions["raw"]>): Promise<Sharp> {
  const { default: sharp } = await import("sharp");
  return sharp(data, { raw: shape });
}

/** An `<img>` that carries its own data; `alt` says what it shows. */
export async function inlineImage(image: RgbImage, alt: string): Promise<Html> {
  const data = Buffer.from(await encodePng(image)).toString("base64");
  const source = new Html(`data:image/png;base64,${data}`);
  return html`<img src="${source}" alt="${alt}" width="${image.width}" height="${image.height}">`;
}
