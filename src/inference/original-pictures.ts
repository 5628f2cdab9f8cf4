import type { OriginalPixels } from "../data/loader/sample-reader.ts";
import type { Size } from "../images/sliding-window.ts";
import { shrinkImage } from "../images/transforms/shrink.ts";
import { classesAt, type Grid, type RgbImage, rasterToRgb } from "../results/visual/index.ts";
import { IGNORED } from "../support/ignored.ts";

/** The image itself, shrunk where a side is longer than this, in pixels. */
export function pictureOf({ image }: OriginalPixels, longest: number): RgbImage {
  if (!image) throw new Error("an image that is to be drawn was not asked for");
  return rasterToRgb(shrinkImage(image, longest));
}

/** What is outlined, whatever it is: 1 inside, 0 outside and where nobody has judged, at another size by nearest. */
export function outlinedAt({ height, width, classes }: OriginalPixels, size: Size): Grid & { data: Uint8Array } {
  if (!classes) throw new Error("masks that are to be looked at were not asked for");
  const data = classesAt({ height, width, data: classes }, size, "masks of lesions");
  return { ...size, data: data.map((k) => Number(k !== 0 && k !== IGNORED)) };
}
