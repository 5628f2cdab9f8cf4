import type { RasterImage } from "../../formats/raster.ts";
import { Resizer } from "./resize.ts";

/** The whole image, shrunk until no side is longer than this, in pixels; a smaller one keeps its size. */
export function shrinkImage(image: RasterImage, longest: number, resizer = new Resizer()): RasterImage {
  const scale = Math.min(1, longest / Math.max(image.width, image.height));
  const width = Math.max(1, Math.round(image.width * scale));
  const height = Math.max(1, Math.round(image.height * scale));
  const pixels = resizer.resize(image, height, width, { filter: "bilinear" });
  return { width, height, channels: image.channels, pixels };
}
