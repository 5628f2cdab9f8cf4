import type { RasterImage } from "../../formats/raster.ts";
import type { Size } from "../sliding-window.ts";
import { Resizer } from "./resize.ts";

/** A size in pixels, scaled down until no side is longer than this; a smaller one stays as it is. */
export function shrunkSize({ height, width }: Size, longest: number): Size {
  const scale = Math.min(1, longest / Math.max(width, height));
  return { height: Math.max(1, Math.round(height * scale)), width: Math.max(1, Math.round(width * scale)) };
}

/** The whole image, shrunk until no side is longer than this, in pixels; a smaller one keeps its size. */
export function shrinkImage(image: RasterImage, longest: number, resizer = new Resizer()): RasterImage {
  const size = shrunkSize(image, longest);
  const pixels = resizer.resize(image, size.height, size.width, { filter: "bilinear" });
  return { ...size, channels: image.channels, pixels };
}
