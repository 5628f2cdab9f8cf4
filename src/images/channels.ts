import type { RasterImage } from "../formats/raster.ts";

/**
 * Converts between grey and RGB: grey is repeated, RGB becomes luma.
 * Source: Pillow's `convert("L")`, ITU-R 601-2 in 16-bit fixed point.
 */
export function toChannels(image: RasterImage, channels: 1 | 3): RasterImage {
  if (image.channels === channels) return image;
  const { pixels, ...rest } = image;
  const { width, height } = rest;
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
  return { ...rest, channels, pixels: converted };
}
