import type { RasterImage } from "../../../src/formats/raster.ts";

/** uint8 [h, w, C] mirrored along x, written plainly to compare with. */
export function mirrored(image: RasterImage): RasterImage {
  const { width, height, channels, pixels } = image;
  const flipped = new Uint8Array(pixels.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (y * width + x) * channels;
      flipped.set(pixels.subarray(from, from + channels), (y * width + width - 1 - x) * channels);
    }
  }
  return { width, height, channels, pixels: flipped };
}
